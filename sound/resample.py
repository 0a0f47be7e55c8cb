"""From one rate to another."""

from __future__ import annotations

import numpy as np
import soxr
from numpy.typing import NDArray

Audio = NDArray[np.float32]


def resample(audio: Audio, from_rate: int, to_rate: int) -> Audio:
    """Resample float32 mono, shape (samples,), rates in Hz, with soxr's HQ quality.

    The same array where the rates are equal; never shorter than one sample.
    """
    if from_rate == to_rate:
        return audio
    resampled: Audio = soxr.resample(audio, from_rate, to_rate)
    return resampled if len(resampled) else audio[:1]

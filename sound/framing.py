"""How much of what is around speech a recogniser is handed: one rule for live use and for the benchmark."""

from __future__ import annotations

from typing import Final

import numpy as np

from sound import Audio
from sound.activity import RATE
from sound.segment import Segment

FRAMED_S: Final = 0.2
"""The context that ``+framed`` backends are handed: they learned with more and with less."""
BLOCK_S: Final = 0.01
BELOW_PEAK_DB, ABOVE_FLOOR_DB, FLOOR_AT_MOST_DB = 30.0, 8.0, 20.0
QUIETEST: Final = 0.1


def handed(segment: Segment, context_s: float) -> Audio:
    """The utterance as a backend wants it (``Backend.context_s``): with so many seconds of what is around it, as far as
    they are there; with 0, from its first sound to its last (:func:`tight`), which is closer than a detector's hops. A
    recording that was not cut out of anything stays as it is."""
    whole = segment.start == segment.onset and segment.offset == segment.start + len(segment.audio)
    return segment.framed(context_s) if context_s > 0 or whole else tight(segment.audio, segment.rate)


def tight(audio: Audio, rate: int = RATE) -> Audio:
    """From the first to the last 10 ms that sound; at least one block.

    They sound where their energy, averaged with their neighbours', is above 30 dB below the loudest and 8 dB above the
    quietest tenth, of which the latter counts as at most 20 dB below the loudest. Chosen on 180 training clips of FSDD.
    """
    block = max(1, round(BLOCK_S * rate))
    if len(audio) < block:
        return audio
    blocks = audio[: len(audio) // block * block].reshape(-1, block).astype(np.float64)
    energy = np.convolve((blocks**2).sum(axis=1), np.ones(3) / 3, "same")
    peak = float(energy.max())
    floor = min(float(np.quantile(energy, QUIETEST)), peak * 10 ** (-FLOOR_AT_MOST_DB / 10))
    sounding = np.flatnonzero(energy >= max(peak * 10 ** (-BELOW_PEAK_DB / 10), floor * 10 ** (ABOVE_FLOOR_DB / 10)))
    return audio[sounding[0] * block : (sounding[-1] + 1) * block]

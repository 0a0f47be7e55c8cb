"""Noise of many kinds at a chosen level, for copies of training clips; the generator decides which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backends.base import Audio

SLOPES = (-1.0, 2.0)
"""Power falls with frequency to the power of this: blue to brown."""
SWELL_HZ, SWELL_DB = (1.0, 8.0), 15.0
LOWEST_HZ = 20.0
"""Brown noise rises no further towards 0 Hz."""


def noise(samples: int, rate: int, generator: np.random.Generator) -> Audio:
    """Gaussian noise of a random spectral slope; half of it rises and falls. ``rate`` in Hz."""
    spectrum = np.fft.rfft(generator.standard_normal(samples))
    hertz = np.maximum(np.fft.rfftfreq(samples, 1 / rate), LOWEST_HZ)
    made = np.fft.irfft(spectrum * hertz ** (-generator.uniform(*SLOPES) / 2), samples)
    depth, speed, phase = generator.uniform(0, SWELL_DB), generator.uniform(*SWELL_HZ), generator.uniform(0, 2 * np.pi)
    if generator.random() < 0.5:
        made *= 10 ** (depth / 20 * np.sin(2 * np.pi * speed * np.arange(samples) / rate + phase))
    return made.astype(np.float32)


def below(audio: Audio, noise: NDArray[np.float32], snr_db: float) -> Audio:
    """The noise at ``snr_db`` below the clip, both as mean power."""
    speech = np.mean(audio**2, dtype=np.float64)
    level = np.sqrt(speech / max(np.mean(noise**2, dtype=np.float64), 1e-20)) * 10 ** (-snr_db / 20)
    return np.asarray(noise * np.float32(level), np.float32)

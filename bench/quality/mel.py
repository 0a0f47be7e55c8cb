"""The mel-spectrogram that predictors of WER look at: 64 bands, 50 frames a second, in eighths of a bit."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from backends.base import Audio

RATE = 16_000
BANDS = 64
WINDOW, HOP = 512, 320
"""Samples."""
FLOOR_DB = -100.0
"""What 0 stands for; 255 stands for 0 dB, a band that is as loud as full scale."""

Mel = NDArray[np.uint8]


def quantised(audio: Audio) -> Mel:
    """Spectrogram of samples at 16 kHz, shape (64, frames), a frame every 20 ms, at least one; 0.4 dB a step."""
    padded = np.pad(audio, (WINDOW // 2, WINDOW // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(WINDOW).astype(np.float32), axis=1)
    power = (np.abs(spectrum) / (WINDOW / 4)) ** 2
    level = 10 * np.log10(_filters() @ power.T + 10 ** (FLOOR_DB / 10))
    return np.clip(np.rint((1 - level / FLOOR_DB) * 255), 0, 255).astype(np.uint8)


def scaled(mel: Mel) -> NDArray[np.float32]:
    """For a network: zero in the middle of the scale, -2 to 2."""
    return mel.astype(np.float32) / np.float32(63.75) - np.float32(2)


@cache
def _filters() -> NDArray[np.float64]:
    """Triangles, evenly spaced on O'Shaughnessy's mel scale (1987), each of peak 1, shape (64, bins)."""
    mels = np.linspace(0, 2595 * np.log10(1 + RATE / 2 / 700), BANDS + 2)
    edges = 700 * (10 ** (mels / 2595) - 1)
    bins = np.fft.rfftfreq(WINDOW, 1 / RATE)
    low, middle, high = (edges[start : start + BANDS, np.newaxis] for start in range(3))
    return np.maximum(0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))

"""Speech that is faster or slower, higher or lower."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sound import Audio
from sound.level import limited

WINDOW_S = 0.03
SEARCH_S = 0.01
FARTHEST_COST = 0.1
QUIET = 1e-6


def change_speed(audio: Audio, rate: int, factor: float) -> Audio:
    """``factor`` times as fast at the same pitch: overlap and add by waveform similarity, WSOLA (Verhelst and
    Roelands 1993), with Hann windows of 30 ms.

    round(samples / factor) samples long, at the least one; every moment within 10 ms of where it belongs. (FFmpeg's
    atempo is up to 30 ms off, a phase vocoder takes 3 dB from some words: too much in half a second.)
    """
    hop, search = max(1, round(WINDOW_S * rate / 2)), round(SEARCH_S * rate)
    samples = max(1, round(len(audio) / factor))
    margin = 2 * hop + search
    source = np.pad(audio.astype(np.float64), (margin, 2 * margin + round(2 * hop * factor)))
    window = 0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop) / hop)
    stretched = np.zeros(samples + 4 * hop)
    nearer = 1 - FARTHEST_COST * np.linspace(-1, 1, 2 * search + 1) ** 2  # a vowel's periods are all alike
    quiet = QUIET * 2 * hop * float(np.max(source**2))
    next_one = None
    for start in range(0, samples + hop, hop):
        best = margin + round(start * factor) - hop
        if next_one is not None and np.dot(next_one, next_one) > quiet:
            region = source[best - search : best + search + 2 * hop]
            energy = np.convolve(region**2, np.ones(2 * hop), "valid")
            alike = np.correlate(region, next_one) / np.sqrt(np.maximum(energy, 1e-12))
            best += int(np.argmax(alike * nearer)) - search
        stretched[start : start + 2 * hop] += window * source[best : best + 2 * hop]
        next_one = source[best + hop : best + 3 * hop]
    return limited(stretched[hop : hop + samples])


def change_pitch(audio: Audio, rate: int, semitones: float) -> Audio:
    """Higher or lower by semitones at the same length: played faster or slower, formants and all, then stretched."""
    import soxr

    factor = 2 ** (semitones / 12)
    played = soxr.resample(audio, rate * factor, rate)
    return limited(fitted(change_speed(played if len(played) else audio, rate, 1 / factor), len(audio)))


def fitted(audio: NDArray[np.floating], samples: int) -> NDArray[np.floating]:
    """Cut, or filled with zeros, to this length."""
    return np.pad(audio[:samples], (0, max(0, samples - len(audio))))

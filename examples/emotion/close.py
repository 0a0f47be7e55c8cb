"""Cheaper means for the same features, which agree to about the last digit of float32 and not to its last bit.

The transform stays in float64: pitch tuning is the fullest of a hundred bins, and where two are all but equally full,
rounding in float32 would choose another.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import Any

import librosa
import librosa.filters as banks
import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from examples.emotion.peaks import HOP, N_FFT, Samples
from examples.emotion.shared import Means

BANDS, LOWEST, SHARE = 6, 200.0, 0.02
"""Octaves of the spectral contrast above the lowest band, its upper end in Hz, and the share of bins that is a peak."""


def magnitudes(audio: Samples) -> Samples:
    """Magnitudes of the STFT: all frames in one call, in rows, which is how scipy's FFT takes several at once."""
    frames = sliding_window_view(np.pad(audio, N_FFT // 2), N_FFT)[::HOP]
    spectrum: NDArray[Any] = scipy.fft.rfft(frames * _window())
    return np.asarray(np.abs(spectrum.astype(np.complex64)).T)


def centroid(stft: Samples, rate: float) -> NDArray[Any]:
    """Spectral centroids in Hz as a matrix product; 0 where a frame is silent."""
    total = stft.sum(axis=0)
    weighted = librosa.fft_frequencies(sr=rate, n_fft=N_FFT).astype(np.float32) @ stft
    return np.asarray(np.divide(weighted, total, out=np.zeros_like(total), where=total > 0))


def contrast(stft: Samples, rate: float) -> NDArray[Any]:
    """Spectral contrast in dB, shape (7, frames): the extremes of a band are set apart, not all of it sorted."""
    frames = stft.T
    valleys, peaks = [], []
    for first, last, count in _bands(rate):
        band = np.partition(frames[:, first:last], (count - 1, last - first - count), axis=1)
        valleys.append(band[:, :count].mean(axis=1))
        peaks.append(band[:, -count:].mean(axis=1))
    return np.asarray(librosa.power_to_db(np.array(peaks)) - librosa.power_to_db(np.array(valleys)))


CLOSE = Means(magnitudes, centroid, contrast)


@lru_cache(maxsize=1)
def _window() -> NDArray[np.float64]:
    return np.asarray(banks.get_window("hann", N_FFT))


@lru_cache(maxsize=8)
def _bands(rate: float) -> list[tuple[int, int, int]]:
    """First bin, the bin after the last, and how many of them are an extreme, as ``spectral_contrast`` has them."""
    centres = librosa.fft_frequencies(sr=rate, n_fft=N_FFT)
    edges = [0.0, *(LOWEST * 2.0**octave for octave in range(BANDS + 1))]
    bands = []
    for place, (low, high) in enumerate(pairwise(edges)):
        inside = np.flatnonzero((centres >= low) & (centres <= high))
        first = inside[0] - (place > 0)
        last = len(centres) if place == BANDS else inside[-1] + 1
        count = max(int(np.rint(SHARE * (last - first))), 1)
        bands.append((int(first), int(last - (place < BANDS)), count))
    return bands

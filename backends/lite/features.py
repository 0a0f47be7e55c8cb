"""A spoken word as a picture of one size: 32 frames, equally spaced between its first and last sound, of 24 mel bands.

Waveform, 8 kHz -> first difference (pre-emphasis, no offset) -> energy of 10 ms blocks, each averaged with its
neighbours -> first and last block above a threshold between the quietest and the loudest -> 32 Hann windows of 25 ms
spread over what is left, so that a slow and a quick word look alike -> power spectrum -> mel bands, relative to the
word's mean -> log -> minus each band's mean over the word (cepstral mean subtraction, Atal 1974).

Neither level, nor a fixed channel, nor silence around the word reaches the classifier. Everything that decides where
a window lies is integer arithmetic after comparisons in double precision, so that another runtime decides alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backends.base import Audio, BackendError

SAMPLE_RATE = 8_000
BLOCK, WINDOW, FRAMES, BANDS = 80, 200, 32, 24
"""Samples, samples, per word, per frame."""
LOWEST_HZ, HIGHEST_HZ = 100.0, 3_700.0
MARGIN = 4
"""Blocks kept before the first and after the last sound."""
BELOW_PEAK, ABOVE_FLOOR, FLOOR_AT_MOST = 1e-3, 6.0, 1e-2
"""Threshold as energy ratios: 30 dB below the loudest, or 8 dB above the floor, the floor at most 20 dB below."""
RELATIVE_FLOOR = 1e-2
"""Added to a band's power before the log, as a share of the word's mean power in all bands."""
TINY = 1e-20
"""Keeps silence from dividing by zero."""

Array = NDArray[np.float32]
Samples = NDArray[np.intp]
Span = tuple[int, int]


def filterbank(warp: float = 1.0) -> Array:
    """Triangular mel bands (O'Shaughnessy 1987) over the power spectrum, shape (101, 24).

    ``warp`` above 1 hears a vocal tract shorter by that factor, as VTLP does (Jaitly and Hinton 2013): what was at f
    is moved to f * warp.
    """
    low, high = (1127 * np.log1p(hertz / 700) for hertz in (LOWEST_HZ, HIGHEST_HZ))
    edges = 700 * np.expm1(np.linspace(low, high, BANDS + 2) / 1127) / warp
    bins = np.arange(WINDOW // 2 + 1)[:, np.newaxis] * (SAMPLE_RATE / WINDOW)
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(rise, fall)).astype(np.float32)


def window() -> Array:
    """Hann, periodic."""
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


def check(audio: Audio) -> None:
    """Raises BackendError if the clip is empty or not finite."""
    if not audio.size:
        raise BackendError("the clip has no samples")
    if not np.isfinite(audio).all():
        raise BackendError("the clip has samples that are not finite")


def emphasise(audio: Audio) -> Array:
    """First difference, padded to whole blocks, shape (blocks * 80,)."""
    signal = np.zeros(-(-audio.size // BLOCK) * BLOCK, np.float32)
    np.subtract(audio[1:], audio[:-1], out=signal[1 : audio.size])
    return signal


def span(signal: Array) -> Span:
    """First and last sample of the word."""
    blocks = signal.reshape(-1, BLOCK).astype(np.float64)
    energy = np.einsum("ij,ij->i", blocks, blocks)
    padded = np.concatenate([energy[:1], energy, energy[-1:]])
    smooth = padded[:-2] + padded[1:-1] + padded[2:]
    peak = smooth.max()
    floor = min(np.partition(smooth, len(smooth) // 10)[len(smooth) // 10], peak * FLOOR_AT_MOST)
    active = np.flatnonzero(smooth >= max(peak * BELOW_PEAK, floor * ABOVE_FLOOR))
    first, last = int(active[0]) - MARGIN, int(active[-1]) + MARGIN
    return max(0, first) * BLOCK, min(len(smooth), last + 1) * BLOCK - 1


def centres(ends: Span) -> Samples:
    """The sample each frame is centred on, equally spaced from the first to the last, shape (32,)."""
    first, last = ends
    return first + np.arange(FRAMES) * (last - first) // (FRAMES - 1)


class FrontEnd:
    """Window and filterbank, made once; every method is a pure function of its arguments."""

    def __init__(self) -> None:
        self._window = window()
        self._offsets = np.arange(WINDOW)
        self._bank = filterbank()

    def picture(self, audio: Audio) -> Array:
        """Shape (32, 24). Raises BackendError if the clip is empty or not finite."""
        check(audio)
        signal = emphasise(audio)
        return self.frames(signal, centres(span(signal)), self._bank)

    def frames(self, signal: Array, at: Samples, bank: Array) -> Array:
        """The picture of a pre-emphasised signal, its frames centred on the samples ``at``."""
        padded = np.zeros(signal.size + WINDOW, np.float32)
        padded[WINDOW // 2 : WINDOW // 2 + signal.size] = signal
        spectrum = np.fft.rfft(padded[at[:, np.newaxis] + self._offsets] * self._window)
        power = (spectrum.real**2 + spectrum.imag**2) @ bank
        mean = float(power.mean())
        logs = np.log(power / (mean + TINY) + RELATIVE_FLOOR)
        return np.asarray(logs - logs.mean(axis=0), np.float32)

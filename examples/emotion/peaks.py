"""Peaks of a spectrum and crossings of zero, as librosa finds them, computed where they are."""

from __future__ import annotations

from dataclasses import dataclass

import librosa
import numpy as np
from numpy.typing import NDArray

N_FFT, HOP = 2048, 512
THRESHOLD = 0.1
"""A peak is above this share of its frame's largest magnitude."""
LOWEST, HIGHEST = 70.0, 4000.0
"""Hz: what voices and their tuning are looked for in."""
SILENCE = np.float32(1e-10)

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Peaks:
    """Peaks of all frames, a value each: frame, bin, interpolated frequency in Hz and magnitude there."""

    frame: NDArray[np.intp]
    bin: NDArray[np.intp]
    hertz: Samples
    magnitude: Samples
    rate: float

    def within(self, low: float, high: float) -> Peaks:
        """Those whose bin's frequency is at least ``low`` and below ``high``, in Hz, and below half the rate."""
        centres = librosa.fft_frequencies(sr=self.rate, n_fft=N_FFT)[self.bin]
        kept = (centres >= low) & (centres < min(high, self.rate / 2))
        return Peaks(self.frame[kept], self.bin[kept], self.hertz[kept], self.magnitude[kept], self.rate)

    def row(self, frames: int) -> Samples:
        """Frequencies in the bin that is strongest in frame 1, for every frame; 0 where it is no peak.

        As ``librosa.piptrack`` gives them; the lowest bin, which is none, where frame 1 has no peak.
        """
        frequencies = np.zeros(frames, np.float32)
        second = self.frame == 1
        if second.any():
            strongest = self.bin[second][np.argmax(self.magnitude[second])]
            same = self.bin == strongest
            frequencies[self.frame[same]] = self.hertz[same]
        return frequencies

    def tuning(self) -> float:
        """Deviation from A440 in fractions of a semitone, as ``librosa.estimate_tuning`` of these peaks."""
        nonzero = self.hertz > 0
        least = np.median(self.magnitude[nonzero]) if nonzero.any() else 0.0
        return float(librosa.pitch_tuning(self.hertz[nonzero & (self.magnitude >= least)]))


def peaks_of(frames: Samples, rate: float) -> Peaks:
    """Peaks of magnitudes, shape (frames, bins), from 70 to 4,000 Hz, to the last bit those of ``librosa.piptrack``."""
    centres = librosa.fft_frequencies(sr=rate, n_fft=N_FFT)
    inside = np.flatnonzero((centres >= LOWEST) & (centres < min(HIGHEST, rate / 2)))
    first, last = inside[0], inside[-1] + 1
    middle = frames[:, first:last]
    before, after = frames[:, first - 1 : last - 1], frames[:, first + 1 : last + 1]
    least = THRESHOLD * frames.max(axis=1, keepdims=True)
    frame, place = np.nonzero((middle > least) & (middle > before) & (middle >= after))
    centre, left, right = middle[frame, place], before[frame, place], after[frame, place]
    bend = (left + right).astype(np.float64) - 2.0 * centre
    slope = (right - left).astype(np.float64) / 2
    flat = np.abs(slope) >= np.abs(bend)
    shift = np.where(flat, 0, -slope / np.where(flat, 1, bend)).astype(np.float32)
    magnitude = centre + np.float32(0.5) * ((right - left) / np.float32(2)) * shift
    bins = place + first
    return Peaks(frame, bins, ((bins + shift) * float(rate) / N_FFT).astype(np.float32), magnitude, rate)


def crossings(audio: Samples) -> NDArray[np.float64]:
    """Share of samples of each frame whose sign is not that of the one before: ``zero_crossing_rate``."""
    below = np.pad(audio, N_FFT // 2, mode="edge") < -SILENCE
    total = np.concatenate(([0], np.cumsum(below[1:] != below[:-1])))
    starts = np.arange(0, len(below) - N_FFT + 1, HOP)
    return np.asarray((total[starts + N_FFT - 1] - total[starts]) / N_FFT, dtype=np.float64)

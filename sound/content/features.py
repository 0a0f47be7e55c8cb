"""What can be measured of every hop of 32 ms; but for the level itself, nothing depends on how loud it is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from sound import Audio
from sound.activity import HOP, RATE

Values = NDArray[np.float64]

WINDOW, FFT = 1_024, 2_048
BLOCK = 1_000
"""Hops whose spectra are in memory at once."""
QUIETEST_DB = -100.0
BANDS_HZ = (60, 250, 500, 1_000, 2_000, 4_000, 8_000)
EARS = 28
"""Bands as wide as the ear's, on the scale of equivalent rectangular bandwidths (Glasberg and Moore 1990)."""
PITCH_HZ = (70, 400)
LOWEST_HZ, HIGHEST_HZ = 60.0, 7_600.0
RANGE_DB = 45.0
"""How far below the loudest sounds of a recording a difference of spectra still counts."""


@dataclass(frozen=True, slots=True)
class Features:
    """Of each hop, shape (hops,); ``bands_db`` (hops, 6)."""

    level_db: Values
    """Root mean square, dB of full scale, at least -100."""
    bands_db: Values
    """Energy in the octaves between BANDS_HZ, dB relative to the whole hop."""
    flatness_db: Values
    """Geometric to arithmetic mean of the spectrum: 0 white, -40 tones."""
    centroid: Values
    """Centre of gravity of the spectrum, octaves above 60 Hz."""
    harmonicity: Values
    """Largest normalised autocorrelation at the lags of a voice's pitch: 0 none, 1 a period that repeats exactly."""
    crest_db: Values
    """Peak over root mean square."""
    change: Values
    """Difference to the spectrum of the hop before, dB a band: cochlea-scaled (Stilp and Kluender 2010)."""

    def __len__(self) -> int:
        return len(self.level_db)


def hops(samples: int) -> int:
    """Hops of a recording at RATE, the last one filled up; at least one."""
    return max(1, -(-samples // HOP))


def features(audio: Audio) -> Features:
    """Features of mono samples at 16 kHz."""
    count = hops(len(audio))
    before = (WINDOW - HOP) // 2
    padded = np.zeros(count * HOP + WINDOW - HOP, np.float32)
    padded[before : before + len(audio)] = audio
    parts = list(_blocks(padded, count))
    joined = {each.name: np.concatenate([part[each.name] for part in parts]) for each in fields(Features)[:-1]}
    ears = np.concatenate([part["ears_db"] for part in parts])
    return Features(**joined, change=_change(ears))


def _blocks(padded: Audio, count: int) -> Iterator[dict[str, Values]]:
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    taper = np.hanning(WINDOW).astype(np.float32)
    taper_energy = float(np.sum(taper.astype(np.float64) ** 2)) / 2 * FFT
    hertz = np.fft.rfftfreq(FFT, 1 / RATE).astype(np.float64)
    octaves = _octaves(hertz)
    ears = _ears(hertz)
    used = (hertz >= LOWEST_HZ) & (hertz <= HIGHEST_HZ)
    height = np.log2(np.maximum(hertz, LOWEST_HZ) / LOWEST_HZ)
    shape = np.fft.irfft(np.abs(np.fft.rfft(taper, FFT)) ** 2)
    lags = slice(RATE // PITCH_HZ[1], RATE // PITCH_HZ[0] + 1)
    tiny = 10 ** (QUIETEST_DB / 10)
    for start in range(0, count, BLOCK):
        block = windows[start : start + BLOCK]
        middle = block[:, (WINDOW - HOP) // 2 :][:, :HOP].astype(np.float64)
        energy = np.mean(middle**2, axis=1)
        power = np.abs(np.fft.rfft(block * taper, FFT, axis=1)).astype(np.float64) ** 2 / taper_energy
        whole = power[:, used].sum(axis=1) + tiny * 1e-3
        correlation = np.fft.irfft(power, axis=1)[:, : lags.stop] / shape[: lags.stop] * shape[0]
        spread = power[:, used] + (whole / used.sum() * 1e-6)[:, np.newaxis]
        yield {
            "level_db": np.maximum(10 * np.log10(energy + tiny), QUIETEST_DB),
            "bands_db": 10 * np.log10(power @ octaves / whole[:, np.newaxis] + 1e-6),
            "flatness_db": 10 * (np.log10(spread).mean(axis=1) - np.log10(spread.mean(axis=1))),
            "centroid": power[:, used] @ height[used] / whole,
            "harmonicity": np.clip(correlation[:, lags].max(axis=1) / (correlation[:, 0] + tiny * 1e-3), 0, 1),
            "crest_db": 20 * np.log10((np.abs(middle).max(axis=1) + 1e-9) / (np.sqrt(energy) + 1e-9)),
            "ears_db": 10 * np.log10(power @ ears + tiny * 1e-5),
        }


def _change(ears_db: Values) -> Values:
    """Root mean square difference over bands; what is far below the loudest sounds counts as equally quiet."""
    loud = float(np.quantile(ears_db.max(axis=1), 0.95))
    floored = np.maximum(ears_db, loud - RANGE_DB)
    steps = np.sqrt(np.mean(np.diff(floored, axis=0) ** 2, axis=1))
    return np.concatenate([steps[:1] if len(steps) else np.zeros(1), steps])


def _octaves(hertz: Values) -> Values:
    """Shape (bins, 6)."""
    edges = itertools.pairwise(BANDS_HZ)
    return np.stack([(hertz >= low) & (hertz < high) for low, high in edges], axis=1).astype(np.float64)


def _ears(hertz: Values) -> Values:
    """Triangles evenly spaced in numbers of equivalent rectangular bandwidths, shape (bins, EARS)."""
    scale = 21.4 * np.log10(1 + 0.00437 * hertz)
    low, high = (21.4 * np.log10(1 + 0.00437 * edge) for edge in (LOWEST_HZ, HIGHEST_HZ))
    centres = np.linspace(low, high, EARS)
    triangles: Values = np.maximum(0, 1 - np.abs(scale[:, np.newaxis] - centres) / (centres[1] - centres[0]))
    return triangles

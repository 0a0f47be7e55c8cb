"""Samples that arrive in blocks: kept for a while, brought to another rate, brought onto the grid of 16 bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import soxr

from sound import Audio

FULL_SCALE = 32_768


class Resampler:
    """From one rate to another, block by block: bit by bit what :func:`sound.resample.resample` makes of the whole,
    however it is cut into blocks. What comes out lags by up to some 40 ms at 44.1 and 48 kHz, 115 ms at 8 kHz."""

    def __init__(self, from_rate: float, to_rate: float) -> None:
        """Rates in Hz. Raises ValueError if one is not positive."""
        if not (from_rate > 0 and to_rate > 0):
            raise ValueError(f"rates are positive numbers of Hz, not {from_rate:g} and {to_rate:g}")
        self._stream: Any = (
            None if from_rate == to_rate else soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32")
        )

    def push(self, samples: Audio) -> Audio:
        """What is ready after these."""
        return samples if self._stream is None else self._resampled(samples)

    def finish(self) -> Audio:
        """The rest."""
        nothing: Audio = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._resampled(nothing, last=True)

    def _resampled(self, samples: Audio, last: bool = False) -> Audio:
        resampled: Audio = self._stream.resample_chunk(np.ascontiguousarray(samples, np.float32), last=last)
        return resampled


class Tape:
    """The last samples of a stream, by their place in it, counted from 0."""

    def __init__(self) -> None:
        self._samples: Audio = np.zeros(1 << 16, np.float32)
        self._first = 0
        self.end = 0
        """How many samples the stream has had."""

    @property
    def first(self) -> int:
        """The place of the first sample that is still there."""
        return self._first

    def append(self, samples: Audio) -> None:
        """Put samples behind the last."""
        held = self.end - self._first
        if held + len(samples) > len(self._samples):
            grown = np.zeros(2 * (held + len(samples)), np.float32)
            grown[:held] = self._samples[:held]
            self._samples = grown
        self._samples[held : held + len(samples)] = samples
        self.end += len(samples)

    def forget(self, before: int) -> None:
        """Let samples before this place go, once it is worth moving the others."""
        held, gone = self.end - self._first, min(before, self.end) - self._first
        if gone > held // 2:
            self._samples[: held - gone] = self._samples[gone:held].copy()
            self._first += gone

    def between(self, start: int, stop: int) -> Audio:
        """A copy of the samples from one place to another. Raises IndexError if they are not there."""
        if not self._first <= start <= stop <= self.end:
            raise IndexError(f"samples {start} to {stop} of a tape that holds {self._first} to {self.end}")
        return self._samples[start - self._first : stop - self._first].copy()


def to_grid(samples: Audio) -> Audio:
    """The nearest values that 16 bits hold, so that a WAV file of these is bit by bit what was heard; NaN is 0."""
    whole = np.rint(np.clip(np.nan_to_num(samples), -1, 1) * FULL_SCALE)
    grid: Audio = (np.minimum(whole, FULL_SCALE - 1) / FULL_SCALE).astype(np.float32)
    return grid

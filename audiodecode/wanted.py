"""What part of a recording is wanted, and as what."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

DTYPES = {"f4": "float32", "f8": "float64", "i2": "int16", "i4": "int32"}


class Wanted(NamedTuple):
    """A part, in seconds, and the form of its samples."""

    offset: float
    duration: float | None
    mono: bool
    dtype: np.dtype[Any]
    exact: bool = True

    @property
    def whole(self) -> bool:
        return not self.offset and self.duration is None

    @property
    def integers(self) -> bool:
        return self.dtype.kind == "i"

    def frames(self, rate: int, there: int) -> tuple[int, int] | None:
        """First and last of so many frames, rounded and clipped as librosa does; None where the end is before them."""
        first = max(0, int(self.offset * rate)) if self.offset else 0
        if first > there:
            return None
        frames = -1 if self.duration is None else int(self.duration * rate)
        return first, there if frames < 0 else min(there, first + frames)

    def nothing(self) -> NDArray[Any]:
        """Of a part that begins behind the end: librosa gives no channels then."""
        return np.empty(0, self.dtype)


def dtype_of(dtype: DTypeLike) -> np.dtype[Any]:
    """Raises ValueError for numbers that a sample cannot be."""
    found = np.dtype(dtype)
    if found.str[1:] not in DTYPES:
        raise ValueError(f"dtype must be one of {', '.join(DTYPES.values())}, not {found.name}")
    return found


def average(frames: NDArray[Any], out: NDArray[Any]) -> None:
    """The mean of each frame, to the last bit as librosa's: ``np.mean`` over channels that lie side by side."""
    if frames.shape[1] == 2:
        np.add(frames[:, 0], frames[:, 1], out=out)
        out *= 0.5
    else:
        np.mean(frames.T, axis=0, out=out)


def mixed(frames: NDArray[Any]) -> NDArray[Any]:
    """Shape (frames, channels) to (frames,)."""
    if frames.shape[1] == 1:
        return frames[:, 0]
    out = np.empty(len(frames), frames.dtype)
    average(frames, out)
    return out

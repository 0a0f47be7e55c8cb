"""Sound being decoded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from numpy.typing import NDArray

Blocks = Iterator[NDArray[Any]]
"""Arrays of floats, shape (samples, channels)."""

BLOCK = 1 << 20
"""Numbers in one block, at most."""


class Stream(NamedTuple):
    """Sound being decoded. ``declared`` counts the samples of each channel, where the file says so."""

    rate: int
    channels: int
    declared: int | None
    blocks: Blocks
    pcm: bool = False
    """Whether its samples are whole numbers in the file: none is infinite, or beyond full scale."""

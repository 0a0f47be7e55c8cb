"""A recording in blocks, in the memory of a few of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from audiodecode.decoded import Blocks
from audiodecode.decoders import part
from audiodecode.files import Readable, Source, named
from audiodecode.limits import UnreadableError
from audiodecode.wanted import Wanted, dtype_of, mixed


def stream(
    path: Readable,
    block: int,
    hop: int | None = None,
    *,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    fill_value: float | None = None,
    dtype: DTypeLike = np.float32,
) -> Iterator[NDArray[Any]]:
    """Blocks of ``block`` samples, each ``hop`` (by default ``block``) after the one before, at the file's own rate.

    Their shape is (samples,), or (channels, samples) with ``mono=False``. The last holds what is left, and is filled
    up with ``fill_value`` where that is given. Decoding never goes back: blocks are cut from the whole, so those of
    an MP3 differ in the last bit from librosa's, which seeks between them. They end where the recording does; librosa,
    given ``fill_value`` and a ``duration`` that is longer, goes on in silence. Raises ValueError at once for arguments
    that cannot be; UnreadableError and OSError once blocks are taken.
    """
    hop = block if hop is None else hop
    if block < 1 or not 0 < hop <= block:
        raise ValueError(f"block and hop must be whole numbers from 1, hop no more than block, not {block} and {hop}")
    wanted = Wanted(offset, duration, mono, dtype_of(dtype))
    if wanted.integers:
        raise ValueError(f"dtype must be float32 or float64, not {wanted.dtype.name}")
    return _stream(path, block, hop, wanted, fill_value)


def _stream(path: Readable, block: int, hop: int, wanted: Wanted, fill_value: float | None) -> Iterator[NDArray[Any]]:
    try:
        with Source(path, whole=False) as source, part(source, wanted) as sound:
            for each in _cut(sound.blocks, block, hop, fill_value):
                if not sound.pcm and not np.isfinite(each).all():
                    raise UnreadableError("holds NaN or infinite samples")
                flat = wanted.mono or sound.channels == 1
                yield mixed(each) if flat else each.T
    except (UnreadableError, MemoryError) as error:
        raise named(path, error) from None


def _cut(blocks: Blocks, size: int, hop: int, fill_value: float | None) -> Blocks:
    """Blocks of any size to blocks of that size, at that distance."""
    held, length, kept = list[NDArray[Any]](), 0, 0
    for block in blocks:
        held.append(block)
        length += len(block)
        if length < size:
            continue
        joined, at = np.concatenate(held), 0
        while at + size <= length:
            yield joined[at : at + size].copy()
            at += hop
        held, length, kept = [joined[at:]], length - at, size - hop
    if length <= kept:  # what is left was in the last block
        return
    rest = np.concatenate(held)
    if fill_value is not None:
        rest = np.concatenate([rest, np.full((size - length, rest.shape[1]), fill_value, rest.dtype)])
    yield rest

"""Every decoder behind one shape: what a file holds, in blocks of samples."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import DTypeLike

from audiodecode import wav
from audiodecode.containers import identify
from audiodecode.files import Source
from audiodecode.layout import examine
from audiodecode.limits import Limits, UnreadableError
from audiodecode.splice import Layout
from audiodecode.stream import BLOCK, Blocks, Stream

SNDFILE = frozenset(("wav", "rf64", "w64", "aiff", "au", "caf", "nist", "flac", "ogg", "mp3"))
"""Formats of libsndfile."""


@contextmanager
def checked(source: Source, limits: Limits, dtype: DTypeLike = np.float32) -> Iterator[Stream]:
    """The sound of a file that holds what it promises, from begin to end.

    Raises UnreadableError, also while the blocks are read, for a file that is truncated, damaged, at odds with its own
    header, or beyond the limits.
    """
    if not source.size:
        raise UnreadableError("the file is empty (0 bytes)")
    plain = wav.parse(source)
    if plain and plain.plain:
        limits.check(plain.rate, plain.channels, plain.frames)
        blocks = wav.blocks(source, plain, BLOCK, np.dtype(dtype))
        yield Stream(plain.rate, plain.channels, plain.frames, _whole(blocks, plain.frames), plain.pcm)
        return
    kind, start = identify(source.file)
    if not kind:
        raise UnreadableError("not audio of a known format, it cannot be decoded")
    layout = examine(source.file, kind, start, source.size, limits)
    with opened(source, kind, layout, limits, dtype) as stream:
        promised = stream.declared or (layout.samples or 0) - layout.slack
        yield stream._replace(blocks=_whole(_limited(stream, limits), promised, stream.declared or layout.samples))


@contextmanager
def opened(
    source: Source, kind: str, layout: Layout, limits: Limits, dtype: DTypeLike = np.float32
) -> Iterator[Stream]:
    """The sound of a file. Raises UnreadableError, also while its blocks are read."""
    if kind in SNDFILE:
        from audiodecode import sndfile

        with sndfile.opened(source, kind, layout, limits, np.dtype(dtype)) as stream:
            if stream:
                yield stream
                return
    from audiodecode import ffmpeg

    with ffmpeg.opened(source.file, kind, layout, limits) as stream:
        yield stream


def _limited(stream: Stream, limits: Limits) -> Blocks:
    samples = 0
    for block in stream.blocks:
        samples += len(block)
        limits.check(stream.rate, stream.channels, samples)
        yield block


def _whole(blocks: Blocks, promised: int, said: int | None = None) -> Blocks:
    """The blocks, which must bring so many samples, and some."""
    samples = 0
    for block in blocks:
        samples += len(block)
        yield block
    if samples < promised:
        raise UnreadableError(f"truncated or damaged, {samples} of {said or promised} samples can be decoded")
    if not samples:
        raise UnreadableError("holds no samples, only a header")

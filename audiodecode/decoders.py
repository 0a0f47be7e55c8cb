"""Every decoder behind one shape: what a file holds, in blocks of samples."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import DTypeLike

from audiodecode import wav
from audiodecode.containers import identify, kind_of
from audiodecode.decoded import BLOCK, Blocks, Stream
from audiodecode.files import Source
from audiodecode.layout import examine
from audiodecode.limits import UNLIMITED, Limits, UnreadableError
from audiodecode.splice import Layout
from audiodecode.wanted import Wanted

SNDFILE = frozenset(("wav", "rf64", "w64", "aiff", "au", "caf", "nist", "flac", "ogg", "mp3"))
"""Formats of libsndfile."""
_OPUS_RATE = 24_000  # Hz: libsndfile decodes what was recorded at more at 48 kHz, as FFmpeg does all


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
        blocks = wav.blocks(source, plain, 0, plain.frames, BLOCK, np.dtype(dtype))
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


@contextmanager
def part(source: Source, wanted: Wanted, sndfile: bool = True) -> Iterator[Stream]:
    """What is wanted of a file, as much of it as can be decoded. Raises UnreadableError where nothing can.

    ``sndfile=False`` leaves libsndfile out.
    """
    header = wav.parse(source) if sndfile else None
    if header:
        span = wanted.frames(header.rate, header.frames) or (0, 0)
        blocks = wav.blocks(source, header, *span, BLOCK, wanted.dtype)
        yield Stream(header.rate, header.channels, None, blocks, header.pcm)
        return
    kind, start = kind_of(source)
    if sndfile and not by_ffmpeg(source, kind, wanted):
        from audiodecode import sndfile as libsndfile

        try:
            with libsndfile.part(source, kind, start, wanted) as stream:
                yield stream
                return
        except libsndfile.OfFFmpeg:
            pass
    from audiodecode import ffmpeg

    try:
        layout = examine(source.file, kind, start, source.size, UNLIMITED)
    except UnreadableError:
        layout = Layout(start)
    with ffmpeg.opened(source.file, kind, layout, UNLIMITED, strict=False) as stream:
        yield within(stream, wanted)


def by_ffmpeg(source: Source, kind: str, wanted: Wanted) -> bool:
    """Whether FFmpeg decodes this, which libsndfile cannot, or not so fast: Opus at 48 kHz, of one or two channels."""
    if kind in ("mp4", "webm", "aac", "amr"):
        return True
    head = source.head[28:47]
    if wanted.exact or kind != "ogg" or not head.startswith(b"OpusHead"):
        return False
    rate, gain, mapping = int.from_bytes(head[12:16], "little"), head[16:18], head[18:19]
    return (not rate or rate > _OPUS_RATE) and gain == b"\0\0" and mapping == b"\0"


def within(stream: Stream, wanted: Wanted) -> Stream:
    """The part that is wanted of a sound that is decoded from its begin to its end."""
    return stream if wanted.whole and wanted.dtype == np.float32 else stream._replace(blocks=_within(stream, wanted))


def _within(stream: Stream, wanted: Wanted) -> Blocks:
    first, last = wanted.frames(stream.rate, sys.maxsize) or (0, 0)
    at = 0
    for block in stream.blocks:
        inside = block[max(0, first - at) : max(0, last - at)]
        at += len(block)
        if len(inside):
            yield inside.astype(wanted.dtype, copy=False)


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

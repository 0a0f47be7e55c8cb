"""What a recording is, without its samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audiodecode import wav
from audiodecode.containers import kind_of
from audiodecode.decoders import by_ffmpeg, part
from audiodecode.files import Readable, Source, named
from audiodecode.layout import examine
from audiodecode.limits import UNLIMITED, UnreadableError
from audiodecode.splice import Layout
from audiodecode.wanted import Wanted

_ALL = Wanted(0.0, None, False, np.dtype(np.float32))


@dataclass(frozen=True, slots=True)
class Info:
    """A recording as its header tells it: ``frames`` are samples of each channel, ``rate`` is in Hz."""

    format: str
    encoding: str
    rate: int
    channels: int
    frames: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.frames / self.rate


def info(path: Readable) -> Info:
    """Format, encoding, rate, channels and frames of a recording, from its header.

    The frames of MP3, MP4 and WebM are what the header says, which may miss those that a decoder brings by some
    hundreds; those of AAC and AMR are counted by decoding. Raises UnreadableError, which names the file, and OSError.
    """
    try:
        with Source(path, whole=False) as source:
            return _info(source)
    except (UnreadableError, MemoryError) as error:
        raise named(path, error) from None


def duration(path: Readable, exact: bool = False) -> float:
    """Seconds of a recording: from its header; with ``exact`` all that is not PCM is decoded to count it.

    Raises as ``info``.
    """
    try:
        with Source(path, whole=False) as source:
            header = wav.parse(source)
            if header:
                return header.frames / header.rate
            if not exact:
                return _info(source).duration
            with part(source, _ALL) as stream:
                return sum(map(len, stream.blocks)) / stream.rate
    except (UnreadableError, MemoryError) as error:
        raise named(path, error) from None


def _info(source: Source) -> Info:
    header = wav.parse(source)
    if header:
        return Info(header.kind, wav.ENCODINGS[header.code], header.rate, header.channels, header.frames)
    kind, start = kind_of(source)
    if not by_ffmpeg(source, kind, _ALL):
        from audiodecode import sndfile

        try:
            found = sndfile.facts(source, kind, start)
            return Info(kind or found[0], *found[1:])
        except sndfile.OfFFmpeg:
            pass
    from audiodecode import ffmpeg

    try:
        layout = examine(source.file, kind, start, source.size, UNLIMITED)
    except UnreadableError:
        layout = Layout(start)
    return Info(kind, *ffmpeg.facts(source.file, kind, layout))

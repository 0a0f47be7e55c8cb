"""libsndfile: FLAC, Vorbis, Opus, MP3, and whatever else it knows."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiodecode.decoded import BLOCK, Blocks, Stream
from audiodecode.ffmpeg import CONVERT, FORMATS, NAMES
from audiodecode.files import HEAD, Source
from audiodecode.frames import is_counted, unnumbered
from audiodecode.limits import Limits, UnreadableError
from audiodecode.splice import Layout, Spliced
from audiodecode.wanted import DTYPES, Wanted, average

_AVERAGED = 1 << 15
"""Frames of several channels that are decoded before they are averaged: they stay in a processor's cache."""
UNSUPPORTED = 4
"""libsndfile's code for an encoding that it does not have."""


class Forward(soundfile.SoundFile):  # type: ignore[misc]
    """Read from begin to end. soundfile seeks after each block, which decoders of MP3 and Vorbis do inexactly, or
    slowly."""

    def seekable(self) -> bool:
        return False


@contextmanager
def opened(source: Source, kind: str, layout: Layout, limits: Limits, dtype: np.dtype[Any]) -> Iterator[Stream | None]:
    """None for an encoding that libsndfile does not know and FFmpeg may. What it has to complain about is an error."""
    spliced = layout.start or layout.head or layout.end
    with _quiet(kind == "mp3"):
        try:
            sound = Forward(Spliced(source.file, layout) if spliced else source.handle, closefd=False)
        except soundfile.LibsndfileError as error:
            if error.code != UNSUPPORTED or kind not in FORMATS:
                why = error.error_string.rstrip(".") or "unknown format"
                raise UnreadableError(
                    f"cannot be decoded as {kind} ({why}); convert it: ffmpeg -i FILE OUT.wav"
                ) from None
            sound = None
        if sound is None:
            yield None
            return
        with sound:
            rate, channels, declared = sound.samplerate, sound.channels, sound.frames
            known = declared < 2**48 and not sound.subtype.startswith("MPEG")  # MP3 counts delay and padding
            limits.check(rate, channels, declared if known else 0)
            yield Stream(rate, channels, declared if known else None, _blocks(sound, declared, dtype))


def _blocks(sound: soundfile.SoundFile, declared: int, dtype: np.dtype[Any]) -> Blocks:
    most = max(1, BLOCK // sound.channels)
    try:
        while declared > 0 and len(block := sound.read(min(declared, most), dtype=dtype.name, always_2d=True)):
            yield block
            declared -= len(block)
    except soundfile.LibsndfileError as error:
        raise UnreadableError(
            f"truncated or damaged: it cannot be decoded to its end ({error.error_string.rstrip('.')})"
        ) from None


def read(source: Source, kind: str, start: int, wanted: Wanted) -> tuple[NDArray[Any], int, bool]:
    """A part of a file, by a seek, as librosa reads it; its rate; and whether its samples cannot but be finite.

    Shape (frames,), or (frames, channels) where they are several and not averaged. Raises UnreadableError, OfFFmpeg.
    """
    with _readable(source, kind, start) as sound:
        rate, span = sound.samplerate, wanted.frames(sound.samplerate, sound.frames)
        finite = wanted.integers or sound.subtype.startswith("PCM")
        if span is None:
            return wanted.nothing(), rate, finite
        first, last = span
        if first:
            sound.seek(first)
        if sound.channels == 1 or not wanted.mono:
            return sound.read(last - first, dtype=DTYPES[wanted.dtype.str[1:]]), rate, finite
        out, got = np.empty(last - first, wanted.dtype), 0
        room = np.empty((min(_AVERAGED, last - first), sound.channels), wanted.dtype)
        while got < last - first and len(block := sound.read(out=room[: last - first - got])):
            average(block, out[got : got + len(block)])
            got += len(block)
        return out[:got], rate, finite


@contextmanager
def part(source: Source, kind: str, start: int, wanted: Wanted) -> Iterator[Stream]:
    """``read``, block by block."""
    with _readable(source, kind, start) as sound:
        first, last = wanted.frames(sound.samplerate, sound.frames) or (0, 0)
        if first:
            sound.seek(first)
        yield Stream(sound.samplerate, sound.channels, None, _blocks(sound, last - first, wanted.dtype))


def facts(source: Source, kind: str, start: int) -> tuple[str, str, int, int, int]:
    """Format and encoding as libsndfile calls them, rate, channels, frames. Raises UnreadableError, OfFFmpeg."""
    with _readable(source, kind, start) as sound:
        return sound.format.lower(), sound.subtype, sound.samplerate, sound.channels, sound.frames


class OfFFmpeg(Exception):  # noqa: N818
    """An encoding that libsndfile does not know and FFmpeg may."""


@contextmanager
def _readable(source: Source, kind: str, start: int) -> Iterator[soundfile.SoundFile]:
    """A file as libsndfile takes it, but MP3 whose frames had to be counted."""
    layout = None
    if kind == "mp3" and not is_counted(source.at(start, HEAD)):
        layout = unnumbered(source.file, start, source.size)
    try:
        with Forward(Spliced(source.file, layout) if layout else source.handle, closefd=False) as sound:
            yield sound
    except ValueError:  # of arrays that cannot be
        raise UnreadableError("its header is damaged: it speaks of more samples than there can be") from None
    except soundfile.LibsndfileError as error:
        if error.code == UNSUPPORTED and kind in FORMATS and kind != "ogg":
            raise OfFFmpeg from None
        if kind in NAMES:
            raise UnreadableError(f"{NAMES[kind]} is not read; {CONVERT}") from None
        why = error.error_string.rstrip(".") or "unknown format"
        known = f"cannot be decoded as {kind}" if kind else "not audio of a known format, it cannot be decoded"
        raise UnreadableError(f"{known} ({why})") from None


class _Silence:
    """The terminal's, for as long as anybody wants it: it belongs to the process, not to a thread."""

    def __init__(self) -> None:
        self._lock, self._wanted, self._kept = Lock(), 0, -1

    def __enter__(self) -> None:
        with self._lock:
            self._wanted += 1
            if self._wanted == 1:
                sys.stderr.flush()
                self._kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 2)
                os.close(nowhere)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._wanted -= 1
            if not self._wanted:
                os.dup2(self._kept, 2)
                os.close(self._kept)


_SILENCE = _Silence()


@contextmanager
def _quiet(wanted: bool) -> Iterator[None]:
    """libmpg123 complains on the terminal, past Python."""
    if not wanted:
        yield
        return
    with _SILENCE:
        yield

"""libsndfile and PyAV behind one shape: what a file holds, in blocks of float32 samples."""

from __future__ import annotations

import io
import os
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiodecode.limits import Limits, UnreadableError
from audiodecode.splice import Layout, Spliced

Blocks = Iterator[NDArray[np.float32]]
"""Arrays of shape (samples, channels)."""

BLOCK = 1 << 20
"""Numbers in one block of libsndfile's."""

SNDFILE = frozenset(("wav", "rf64", "w64", "aiff", "au", "caf", "nist", "flac", "ogg", "mp3"))
PYAV: Mapping[str, str] = {
    "mp4": "mov", "webm": "matroska", "aac": "aac", "amr": "amr", "wav": "wav", "rf64": "wav", "w64": "w64",
    "aiff": "aiff", "au": "au", "caf": "caf", "ogg": "ogg",
}  # fmt: skip
"""FFmpeg's reader of each format. It is always named: left to guess, FFmpeg takes a text for a list of addresses to
open."""

_NAMES: Mapping[str, str] = {
    "mp4": "MP4 (m4a, mp4, mov, 3gp)", "webm": "Matroska (webm, mka)", "aac": "AAC (ADTS)", "amr": "AMR",
    "wma": "Windows Media (wma)", "avi": "AVI", "flv": "Flash video", "wavpack": "WavPack", "ape": "Monkey's Audio",
    "tta": "True Audio", "voc": "VOC", "adif": "AAC (ADIF)", "mpeg": "MPEG program stream", "dsf": "DSD",
}  # fmt: skip
_CONVERT = "convert it: ffmpeg -i FILE OUT.wav"
_UNSUPPORTED = 4  # libsndfile's code for an encoding that it does not have
_HELD_BACK = 4  # frames whose end may be padding: none is known to pad more
_ROUNDED = Fraction(1, 500)  # seconds: the coarsest clock of an MP4 is that of its film


class Stream(NamedTuple):
    """Sound being decoded. ``declared`` counts the samples of each channel, where the file says so."""

    rate: int
    channels: int
    declared: int | None
    blocks: Blocks


@contextmanager
def opened(file: BinaryIO, kind: str, layout: Layout, limits: Limits) -> Iterator[Stream]:
    """The sound of a file. Raises UnreadableError, also while its blocks are read."""
    if kind in SNDFILE:
        with _sndfile(file, kind, layout, limits) as stream:
            if stream:
                yield stream
                return
    with _pyav(file, kind, layout, limits) as stream:
        yield stream


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """Read from begin to end. soundfile seeks after each block, which decoders of MP3 and Vorbis do inexactly."""

    def seekable(self) -> bool:
        return False


@contextmanager
def _sndfile(file: BinaryIO, kind: str, layout: Layout, limits: Limits) -> Iterator[Stream | None]:
    """None for an encoding that libsndfile does not know and PyAV may."""
    direct = isinstance(file, io.FileIO) and not (layout.start or layout.head or layout.end)
    if direct:
        file.seek(0)
    with _quiet(kind == "mp3"):
        try:
            sound = _Forward(file.fileno() if direct else Spliced(file, layout), closefd=False)
        except soundfile.LibsndfileError as error:
            if error.code != _UNSUPPORTED or kind not in PYAV:
                why = error.error_string.rstrip(".") or "unknown format"
                raise UnreadableError(f"cannot be decoded as {kind} ({why}); {_CONVERT}") from None
            sound = None
        if sound is None:
            yield None
            return
        with sound:
            rate, channels, declared = sound.samplerate, sound.channels, sound.frames
            known = declared < 2**48 and not sound.subtype.startswith("MPEG")  # MP3 counts delay and padding
            limits.check(rate, channels, declared if known else 0)
            yield Stream(rate, channels, declared if known else None, _read(sound, declared, channels))


def _read(sound: soundfile.SoundFile, declared: int, channels: int) -> Blocks:
    most = max(1, BLOCK // channels)
    try:
        while declared > 0 and len(block := sound.read(min(declared, most), dtype="float32", always_2d=True)):
            yield block
            declared -= len(block)
    except soundfile.LibsndfileError as error:
        raise UnreadableError(
            f"truncated or damaged: it cannot be decoded to its end ({error.error_string.rstrip('.')})"
        ) from None


@contextmanager
def _quiet(wanted: bool) -> Iterator[None]:
    """libmpg123 complains on the terminal, past Python."""
    if not wanted:
        yield
        return
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@contextmanager
def _pyav(file: BinaryIO, kind: str, layout: Layout, limits: Limits) -> Iterator[Stream]:
    """One audio stream as FFmpeg decodes it, without the encoder's delay, and the padding that the file tells of."""
    name = _NAMES.get(kind, kind)
    if kind not in PYAV:
        raise UnreadableError(f"{name} is not read; {_CONVERT}")
    try:
        import av
    except ImportError:
        raise UnreadableError(f"{name} needs PyAV: pip install 'digitbench[formats]'; or {_CONVERT}") from None

    try:
        with av.open(Spliced(file, layout), "r", format=PYAV[kind], metadata_errors="replace") as container:
            sounds = container.streams.audio
            if not sounds:
                raise UnreadableError("holds no sound" + (", only pictures" if container.streams.video else ""))
            if len(sounds) > 1:
                raise UnreadableError(
                    f"holds {len(sounds)} streams of sound; keep one: ffmpeg -i FILE -map 0:a:0 OUT.wav"
                )
            sound = sounds[0]
            if sound.codec_context is None:
                raise UnreadableError(f"{name} of a codec that is not known; {_CONVERT}")
            limits.check(sound.rate or limits.lowest_hz, sound.channels, 0)
            sound.codec_context.options = {"err_detect": "explode"}
            blocks = _decoded(container, sound, layout.timed)
            first = next(blocks, None)
            if first is None:
                raise UnreadableError("holds no samples, only a header")
            rate = sound.codec_context.sample_rate
            yield Stream(rate, first.shape[1], None, chain([first], blocks))
    except (av.FFmpegError, ValueError, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or error
        raise UnreadableError(f"damaged, or of an unknown codec: {name} that FFmpeg cannot decode ({why})") from None


def _decoded(container: Any, sound: Any, timed: bool) -> Blocks:
    """FFmpeg drops the delay by itself; what of an MP4 reaches beyond its last packet or its edit is padding."""
    import av

    to_float = av.AudioResampler(format="fltp")
    held, end, begin, brought, rate = deque[NDArray[np.float32]](), Fraction(0), None, 0, 0
    for packet in container.demux(sound):
        if packet.is_corrupt:
            raise UnreadableError("damaged: FFmpeg finds a packet of it broken")
        if packet.pts is not None and packet.duration and not packet.is_discard:
            end = max(end, (packet.pts + packet.duration) * packet.time_base)
        for frame in packet.decode():
            if frame.is_corrupt:
                raise UnreadableError("damaged: FFmpeg can decode a part of it only")
            if begin is None:
                rate, begin = frame.sample_rate, Fraction(frame.pts or 0) * (frame.time_base or 0)
            for part in to_float.resample(frame):
                held.append(np.ascontiguousarray(part.to_ndarray().T))
                brought += len(held[-1])
        while len(held) > _HELD_BACK:
            yield held.popleft()
    if timed and begin is not None and sound.duration:
        stated = ((sound.start_time or 0) + sound.duration) * sound.time_base
        end = stated if end > stated + _ROUNDED else end
        if brought < (stated - begin - _ROUNDED) * rate - 1:
            raise UnreadableError(f"truncated, {brought} of {round((stated - begin) * rate)} samples can be decoded")
    padding = brought - round((end - begin) * rate) if begin is not None and container.format.name[:3] == "mov" else 0
    yield from _without(held, padding)


def _without(blocks: deque[NDArray[np.float32]], padding: int) -> Blocks:
    """The blocks less so many samples at their end."""
    left = sum(map(len, blocks)) - max(0, padding)
    for block in blocks:
        if left > 0:
            yield block[:left]
        left -= len(block)

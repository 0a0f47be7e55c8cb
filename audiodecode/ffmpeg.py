"""FFmpeg by PyAV: what phones and browsers record, and Opus where speed counts for more than the last bit."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from itertools import chain
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from audiodecode.decoded import Blocks, Stream
from audiodecode.limits import UNLIMITED, Limits, UnreadableError
from audiodecode.splice import Layout, Spliced

FORMATS: Mapping[str, str] = {
    "mp4": "mov", "webm": "matroska", "aac": "aac", "amr": "amr", "wav": "wav", "rf64": "wav", "w64": "w64",
    "aiff": "aiff", "au": "au", "caf": "caf", "ogg": "ogg",
}  # fmt: skip
"""FFmpeg's reader of each format. It is always named: left to guess, FFmpeg takes a text for a list of addresses to
open."""

NAMES: Mapping[str, str] = {
    "mp4": "MP4 (m4a, mp4, mov, 3gp)", "webm": "Matroska (webm, mka)", "aac": "AAC (ADTS)", "amr": "AMR",
    "wma": "Windows Media (wma)", "avi": "AVI", "flv": "Flash video", "wavpack": "WavPack", "ape": "Monkey's Audio",
    "tta": "True Audio", "voc": "VOC", "adif": "AAC (ADIF)", "mpeg": "MPEG program stream", "dsf": "DSD",
}  # fmt: skip
CONVERT = "convert it: ffmpeg -i FILE OUT.wav"
_HELD_BACK = 4  # frames whose end may be padding: none is known to pad more
_ROUNDED = Fraction(1, 500)  # seconds: the coarsest clock of an MP4 is that of its film


@contextmanager
def opened(file: BinaryIO, kind: str, layout: Layout, limits: Limits, strict: bool = True) -> Iterator[Stream]:
    """One audio stream as FFmpeg decodes it, without the encoder's delay, and the padding that the file tells of.

    ``strict`` takes neither damage nor a second stream. Raises UnreadableError.
    """
    with _container(file, kind, layout) as container:
        sounds = container.streams.audio
        if not sounds:
            raise UnreadableError("holds no sound" + (", only pictures" if container.streams.video else ""))
        if len(sounds) > 1 and strict:
            raise UnreadableError(f"holds {len(sounds)} streams of sound; keep one: ffmpeg -i FILE -map 0:a:0 OUT.wav")
        sound = sounds[0]
        if sound.codec_context is None:
            raise UnreadableError(f"{NAMES.get(kind, kind)} of a codec that is not known; {CONVERT}")
        limits.check(sound.rate or limits.lowest_hz, sound.channels, 0)
        if strict:
            sound.codec_context.options = {"err_detect": "explode"}
        blocks = _decoded(container, sound, layout.timed, strict)
        first = next(blocks, None)
        if first is None:
            raise UnreadableError("holds no samples, only a header")
        rate = sound.codec_context.sample_rate or sound.rate
        yield Stream(rate, first.shape[1], None, chain([first], blocks))


@contextmanager
def _container(file: BinaryIO, kind: str, layout: Layout) -> Iterator[Any]:
    """A file open to FFmpeg, whose errors are raised as UnreadableError."""
    name = NAMES.get(kind, kind)
    if kind not in FORMATS:
        raise UnreadableError(f"{name} is not read; {CONVERT}")
    try:
        import av
    except ImportError:
        raise UnreadableError(f"{name} needs PyAV: pip install 'av<19'; or {CONVERT}") from None
    try:
        with av.open(Spliced(file, layout), "r", format=FORMATS[kind], metadata_errors="replace") as container:
            yield container
    except (av.FFmpegError, ValueError, NotImplementedError) as error:
        why = getattr(error, "strerror", None) or error
        raise UnreadableError(f"damaged, or of an unknown codec: {name} that FFmpeg cannot decode ({why})") from None


def facts(file: BinaryIO, kind: str, layout: Layout) -> tuple[str, int, int, int]:
    """Codec, rate, channels and frames, as the header says, or as decoding counts them where it does not."""
    with _container(file, kind, layout) as container:
        sound = container.streams.audio[0] if container.streams.audio else None
        if sound is None or sound.codec_context is None:
            raise UnreadableError("holds no sound that is known")
        codec, rate, channels = sound.codec_context.name, sound.rate, sound.channels
        seconds = sound.duration * sound.time_base if sound.duration else Fraction(container.duration or 0, 1_000_000)
    if seconds and kind in ("mp4", "webm"):
        return codec, rate, channels, round(seconds * rate)
    with opened(file, kind, layout, UNLIMITED, strict=False) as stream:
        return codec, stream.rate, stream.channels, sum(map(len, stream.blocks))


def _decoded(container: Any, sound: Any, timed: bool, strict: bool) -> Blocks:
    """FFmpeg drops the delay by itself; what of an MP4 reaches beyond its last packet or its edit is padding."""
    import av

    to_float = av.AudioResampler(format="fltp")
    held, last, begin, brought, rate = deque[NDArray[np.float32]](), 0, None, 0, 0
    for packet in container.demux(sound):
        if packet.is_corrupt and strict:
            raise UnreadableError("damaged: FFmpeg finds a packet of it broken")
        if packet.pts is not None and packet.duration and not packet.is_discard:
            last = max(last, packet.pts + packet.duration)
        for frame in _frames(packet, strict):
            if frame.is_corrupt and strict:
                raise UnreadableError("damaged: FFmpeg can decode a part of it only")
            if begin is None:
                rate, begin = frame.sample_rate, Fraction(frame.pts or 0) * (frame.time_base or 0)
            for part in (frame,) if frame.format.name == "fltp" else to_float.resample(frame):
                held.append(np.ascontiguousarray(part.to_ndarray().T))
                brought += len(held[-1])
        while len(held) > _HELD_BACK:
            yield held.popleft()
    end = Fraction(last) * (sound.time_base or 0)
    if timed and begin is not None and sound.duration:
        stated = ((sound.start_time or 0) + sound.duration) * sound.time_base
        end = stated if end > stated + _ROUNDED else end
        if strict and brought < (stated - begin - _ROUNDED) * rate - 1:
            raise UnreadableError(f"truncated, {brought} of {round((stated - begin) * rate)} samples can be decoded")
    padding = brought - round((end - begin) * rate) if begin is not None and container.format.name[:3] == "mov" else 0
    yield from _without(held, padding)


def _frames(packet: Any, strict: bool) -> Iterator[Any]:
    """What a packet decodes to; a broken one is passed over where that is allowed."""
    import av

    try:
        yield from packet.decode()
    except av.InvalidDataError:
        if strict:
            raise


def _without(blocks: deque[NDArray[np.float32]], padding: int) -> Blocks:
    """The blocks less so many samples at their end."""
    left = sum(map(len, blocks)) - max(0, padding)
    for block in blocks:
        if left > 0:
            yield block[:left]
        left -= len(block)

"""``load`` and what goes with it: librosa's call, with the decoder that each format deserves.

Samples are those of librosa 0.11, to the last bit, but for these:

- MP3 of varying bit rate without a count of its frames is read whole; librosa reads as much of it as its first frames
  let it guess.
- MP4 (m4a), AAC, WebM and AMR come without the encoder's delay and padding, as floats; librosa needs the program ffmpeg
  for them, keeps both, and rounds to 16 bits. So it does with files that libsndfile cannot decode to their end, which
  are an error here, and with an ``offset`` before the begin of one.
- A name says nothing about what is in a file, bytes are a file's content, and an open file is read from its begin.
- Errors are :class:`UnreadableError`, ValueError and OSError, and name the file; nothing warns.
"""

from __future__ import annotations

import sys
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from audiodecode import wav
from audiodecode.containers import identify, sniff
from audiodecode.decoders import checked
from audiodecode.files import HEAD, Readable, Source
from audiodecode.frames import is_counted, unnumbered
from audiodecode.layout import examine
from audiodecode.limits import UNLIMITED, UnreadableError
from audiodecode.resampling import resample
from audiodecode.splice import Layout
from audiodecode.stream import Stream
from audiodecode.wanted import Wanted, average, dtype_of

_FFMPEG = frozenset(("mp4", "webm", "aac", "amr"))
_OPUS_RATE = 24_000  # Hz: libsndfile decodes what was recorded at more at 48 kHz, as FFmpeg does all

Decoded = tuple[NDArray[Any], int, bool]
"""Samples, shape (n,) or (n, channels); rate; and whether they cannot but be finite."""


def load(
    path: Readable,
    *,
    sr: float | None = 22050,
    mono: bool = True,
    offset: float = 0.0,
    duration: float | None = None,
    dtype: DTypeLike = np.float32,
    res_type: str = "soxr_hq",
    exact: bool = True,
    strict: bool = False,
    out: Literal["numpy", "torch"] = "numpy",
) -> tuple[Any, float]:
    """Read a recording as ``librosa.load`` does: samples of shape (n,), or (channels, n) with ``mono=False``; and rate.

    ``sr=None`` keeps the file's own rate. ``exact=False`` decodes Opus at twice the speed, within 2e-7. ``strict``
    takes no file that is truncated, damaged or at odds with its header, and decodes all of it to know. ``out="torch"``
    returns a tensor on the same memory. ``path`` may be bytes or an open file, too.

    Raises UnreadableError, which names the file, for what cannot be decoded, or holds NaN or infinite samples; OSError
    for what cannot be opened; ValueError for arguments that cannot be; ImportError where ``out``, ``res_type`` or the
    format need a package that is not installed.
    """
    wanted = Wanted(offset, duration, mono, dtype_of(dtype), exact)
    if wanted.integers and (mono or sr is not None):
        raise ValueError("whole numbers are neither averaged nor resampled: they go with mono=False and sr=None alone")
    try:
        with Source(path, wanted.whole) as source:
            audio, rate, finite = _strictly(source, wanted) if strict else _decoded(source, wanted)
    except (UnreadableError, MemoryError) as error:
        raise _named(path, error) from None
    if not finite and (mono or sr is not None) and not _finite(audio):
        raise _named(path, UnreadableError("holds NaN or infinite samples"))
    if audio.ndim > 1:
        audio = audio.T
    if sr is not None:
        audio = resample(audio, rate, sr, res_type)
    return (_tensor(audio) if out == "torch" else audio), (rate if sr is None else sr)


def _decoded(source: Source, wanted: Wanted) -> Decoded:
    header = None if wanted.integers else wav.parse(source)
    if header:
        span = wanted.frames(header.rate, header.frames)
        audio = wav.read(source, header, *span, wanted.mono, wanted.dtype) if span else wanted.nothing()
        return audio, header.rate, header.pcm
    kind, start = identify(source.file) if source.head.startswith(b"ID3") else (sniff(source.head[:HEAD]), 0)
    if kind in _FFMPEG or (not wanted.exact and _fast_opus(source)):
        return _by_ffmpeg(source, kind, start, wanted)
    return _by_libsndfile(source, kind, start, wanted)


def _by_libsndfile(source: Source, kind: str, start: int, wanted: Wanted) -> Decoded:
    from audiodecode import sndfile

    layout = None
    if kind == "mp3" and not is_counted(source.at(start, HEAD)):
        layout = unnumbered(source.file, start, source.size)
    try:
        return sndfile.read(source, wanted, layout)
    except sndfile.LibsndfileError as error:
        from audiodecode import ffmpeg

        if error.code == sndfile.UNSUPPORTED and kind in ffmpeg.FORMATS and kind != "ogg":
            return _by_ffmpeg(source, kind, start, wanted)
        if kind in ffmpeg.NAMES:
            raise UnreadableError(f"{ffmpeg.NAMES[kind]} is not read; {ffmpeg.CONVERT}") from None
        why = error.error_string.rstrip(".") or "unknown format"
        known = f"cannot be decoded as {kind}" if kind else "not audio of a known format, it cannot be decoded"
        raise UnreadableError(f"{known} ({why})") from None


def _by_ffmpeg(source: Source, kind: str, start: int, wanted: Wanted) -> Decoded:
    from audiodecode import ffmpeg

    try:
        layout = examine(source.file, kind, start, source.size, UNLIMITED)
    except UnreadableError:
        layout = Layout(start)
    with ffmpeg.opened(source.file, kind, layout, UNLIMITED, strict=False) as stream:
        return _gathered(stream, wanted), stream.rate, False


def _strictly(source: Source, wanted: Wanted) -> Decoded:
    header = wav.parse(source)
    if header and header.plain and header.frames:
        return _decoded(source, wanted)
    with checked(source, UNLIMITED, wanted.dtype) as stream:
        return _gathered(stream, wanted), stream.rate, stream.pcm


def _gathered(stream: Stream, wanted: Wanted) -> NDArray[Any]:
    """The part of it that is wanted; all of it is decoded."""
    if wanted.integers:
        raise ValueError("dtype: whole numbers are for WAV, FLAC and what else libsndfile decodes, without strict")
    first, last = wanted.frames(stream.rate, sys.maxsize) or (0, 0)
    mixed = stream.channels > 1 and wanted.mono
    parts, at = list[NDArray[Any]](), 0
    for block in stream.blocks:
        part = block[max(0, first - at) : max(0, last - at)].astype(wanted.dtype, copy=False)
        at += len(block)
        if not len(part):
            continue
        if mixed:
            parts.append(np.empty(len(part), wanted.dtype))
            average(part, parts[-1])
        else:
            parts.append(part if stream.channels > 1 else part[:, 0])
    if not parts:
        flat = first > at or wanted.mono or stream.channels == 1
        return np.empty(0 if flat else (0, stream.channels), wanted.dtype)
    return np.ascontiguousarray(parts[0]) if len(parts) == 1 else np.concatenate(parts)


def _fast_opus(source: Source) -> bool:
    """Whether FFmpeg decodes this as libsndfile does: Opus at 48 kHz, without gain, of one or two channels."""
    head = source.head[28:47]
    if not source.head.startswith(b"OggS") or not head.startswith(b"OpusHead"):
        return False
    rate, gain, mapping = int.from_bytes(head[12:16], "little"), head[16:18], head[18:19]
    return (not rate or rate > _OPUS_RATE) and gain == b"\0\0" and mapping == b"\0"


def _finite(audio: NDArray[Any]) -> bool:
    return audio.dtype.kind == "i" or bool(np.isfinite(audio.sum())) or bool(np.isfinite(audio).all())


def _tensor(audio: NDArray[Any]) -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError("out='torch' needs PyTorch: pip install torch; or use out='numpy'") from None
    return torch.from_numpy(audio)


def _named(path: Readable, error: Exception) -> UnreadableError:
    """The error with the file's name before it."""
    why = "cannot be read, memory does not suffice" if isinstance(error, MemoryError) else error
    name = path if isinstance(path, str) else getattr(path, "name", None) or getattr(path, "__fspath__", str)()
    return UnreadableError(f"{name}: {why}" if isinstance(name, str) and name else str(why))

"""``load`` and what goes with it: librosa's call, with the decoder that each format deserves.

Samples are those of librosa 0.11, to the last bit, but for these:

- MP3 of varying bit rate without a count of its frames is read whole; librosa reads as much of it as its first frames
  let it guess.
- MP4 (m4a), AAC, WebM and AMR come without the encoder's delay and padding, as floats; librosa needs the program ffmpeg
  for them, keeps both, and rounds to 16 bits. So it does with files that libsndfile cannot decode to their end, which
  are an error here, and with an ``offset`` before the begin of one.
- A WAV whose LIST or PEAK chunk libsndfile gives up on is read; librosa then takes it for 16 bits by another reader.
- Opus that begins behind its end, by ``offset``, keeps its rate; librosa says 48 kHz then.
- A name says nothing about what is in a file, bytes are a file's content, and an open file is read from its begin.
- Errors are :class:`UnreadableError`, ValueError and OSError, and name the file; nothing warns.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from audiodecode import wav
from audiodecode.containers import kind_of
from audiodecode.decoded import Stream
from audiodecode.decoders import by_ffmpeg, checked, part, within
from audiodecode.files import Readable, Source, named
from audiodecode.limits import UNLIMITED, UnreadableError
from audiodecode.resampling import resample
from audiodecode.wanted import Wanted, dtype_of, mixed

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
        if not finite and (mono or sr is not None) and not _finite(audio):
            raise UnreadableError("holds NaN or infinite samples")
    except (UnreadableError, MemoryError) as error:
        raise named(path, error) from None
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
    kind, start = kind_of(source)
    if by_ffmpeg(source, kind, wanted):
        with part(source, wanted) as stream:
            return _joined(stream, wanted), stream.rate, False
    from audiodecode import sndfile

    try:
        return sndfile.read(source, kind, start, wanted)
    except sndfile.OfFFmpeg:
        with part(source, wanted, sndfile=False) as stream:
            return _joined(stream, wanted), stream.rate, False


def _strictly(source: Source, wanted: Wanted) -> Decoded:
    header = wav.parse(source)
    if header and header.plain and header.frames:
        return _decoded(source, wanted)
    with checked(source, UNLIMITED, wanted.dtype) as stream:
        return _joined(within(stream, wanted), wanted), stream.rate, stream.pcm


def _joined(stream: Stream, wanted: Wanted) -> NDArray[Any]:
    """The blocks in one array, their channels averaged where that is wanted."""
    if wanted.integers:
        raise ValueError("dtype: whole numbers are for WAV, FLAC and what else libsndfile decodes, without strict")
    parts = list[NDArray[Any]]()
    for block in stream.blocks:
        parts.append(mixed(block) if wanted.mono else block)
    if not parts:
        return np.empty(0 if wanted.mono or stream.channels == 1 else (0, stream.channels), wanted.dtype)
    audio = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return np.ascontiguousarray(audio if wanted.mono or stream.channels > 1 else audio[:, 0], wanted.dtype)


def _finite(audio: NDArray[Any]) -> bool:
    return audio.dtype.kind == "i" or bool(np.isfinite(audio.sum())) or bool(np.isfinite(audio).all())


def _tensor(audio: NDArray[Any]) -> Any:
    try:
        import torch
    except ImportError:
        raise ImportError("out='torch' needs PyTorch: pip install torch; or use out='numpy'") from None
    return torch.from_numpy(audio)

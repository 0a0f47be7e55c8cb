"""Audio in and out of files: float32 mono in [-1, 1], shape (samples,), rates in Hz."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from bench.containers import identify
from bench.errors import BenchError

Audio = NDArray[np.float32]

_IRREGULAR = (
    (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip
_UNKNOWN_SIZE = 0x7FFF_0000  # writers to a pipe, not knowing the length, put a number near 2 or 4 GiB
_OGG_PAGE = 65_307  # the longest possible, in bytes
_MP3_SLACK = 2 * 1152  # samples: its header counts the encoder's padding, which decoders drop


def read(path: Path) -> tuple[Audio, int]:
    """Decode one file (wav, flac, ogg, mp3) at its own rate, its channels averaged.

    Raises BenchError, naming the file, when it is missing, unreadable, not audio, empty, cut short, or holds NaN or
    infinite samples.
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise BenchError(f"{path}: the file is empty (0 bytes)")
            file.seek(0)
            missing = _missing_bytes(file)
            if missing:
                raise BenchError(f"{path}: truncated, {missing} bytes of its samples are missing")
            with soundfile.SoundFile(file) as sound:
                declared, rate, slack = sound.frames, sound.samplerate, _MP3_SLACK if sound.format == "MP3" else 0
                channels = sound.read(dtype="float32", always_2d=True)
    except FileNotFoundError:
        raise BenchError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BenchError(f"{path}: a directory, not an audio file") from None
    except PermissionError:
        raise BenchError(f"{path}: cannot be read, permission denied") from None
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    except soundfile.LibsndfileError as error:
        why = error.error_string.rstrip(".") or "unknown format"
        raise BenchError(f"{path}: cannot be decoded as wav, flac, ogg or mp3 ({why})") from None
    if len(channels) < declared - slack:
        raise BenchError(f"{path}: truncated, {len(channels)} of {declared} samples can be decoded")
    if not len(channels):
        raise BenchError(f"{path}: holds no samples, only a header")
    audio: Audio = channels[:, 0] if channels.shape[1] == 1 else channels.mean(axis=1, dtype=np.float32)
    if not np.isfinite(audio).all():
        raise BenchError(f"{path}: holds NaN or infinite samples")
    return audio, rate


def is_audio(path: Path) -> bool:
    """Whether a file's first bytes are those of a format that can hold sound, be it read here or not.

    Its name decides nothing. False where it cannot be opened, or is no regular file; never raises, never waits.
    """
    try:
        with open_regular(path) as file:
            return bool(identify(file)[0])
    except (OSError, BenchError):
        return False


def fingerprint(audio: Audio, rate: int) -> str:
    """sha256, in hex, of the little-endian float32 samples followed by the rate as a 32-bit integer."""
    digest = hashlib.sha256(np.ascontiguousarray(audio, dtype="<f4").data)
    digest.update(rate.to_bytes(4, "little"))
    return digest.hexdigest()


def write(path: Path, audio: Audio, rate: int) -> None:
    """Write 16-bit PCM WAV. Samples read from such a file come back exactly; others are rounded and clipped."""
    pcm = np.clip(np.rint(audio * 32768.0), -32768, 32767).astype(np.int16)
    soundfile.write(path, pcm, rate, format="WAV", subtype="PCM_16")


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read it. Raises BenchError for a FIFO, device, socket or folder, without waiting on it."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(handle).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(handle, "rb")
    os.close(handle)
    kind = next((name for is_kind, name in _IRREGULAR if is_kind(mode)), "a special file")
    raise BenchError(f"{path}: {kind}, not an audio file")


def _missing_bytes(file: BinaryIO) -> int:
    """How far a RIFF data chunk or the last Ogg page reaches beyond the file: libsndfile drops those in silence."""
    end = file.seek(0, 2)
    file.seek(0)
    header = file.read(12)
    promised = end
    if header[:4] == b"RIFF" and header[8:] == b"WAVE":
        while len(chunk := file.read(8)) == 8:
            size = int.from_bytes(chunk[4:], "little")
            if chunk[:4] == b"data":
                promised = end if size >= _UNKNOWN_SIZE else file.tell() + size
                break
            file.seek(size + size % 2, 1)
    elif header[:4] == b"OggS":
        start = file.seek(max(0, end - _OGG_PAGE))
        tail = file.read()
        page = tail.rfind(b"OggS")
        segments = tail[page + 27 : page + 27 + tail[page + 26]] if page + 26 < len(tail) else b""
        promised = start + page + 27 + len(segments) + sum(segments)
    file.seek(0)
    return max(0, promised - end)

"""Audio in and out of files: float32 mono in [-1, 1], shape (samples,), rates in Hz."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from audiodecode.containers import identify
from audiodecode.decoders import checked
from audiodecode.files import Source
from audiodecode.limits import LIMITS, Limits, UnreadableError
from bench.errors import BenchError

Audio = NDArray[np.float32]

LOUDEST = 2.0
"""Codecs and filters overshoot full scale, 1, by less; samples beyond are not scaled to it."""
CANCELLED = 1e-3
"""Power of the channels' average to their average power: uncorrelated channels, 64 of them, still have 1/64."""

ENDINGS = frozenset((
    ".3ga", ".3gp", ".3gpp", ".aac", ".ac3", ".aif", ".aifc", ".aiff", ".alac", ".amr", ".ape", ".au", ".avi", ".awb",
    ".caf", ".dts", ".f4a", ".flac", ".flv", ".gsm", ".m4a", ".m4b", ".m4v", ".mka", ".mkv", ".mov", ".mp1", ".mp2",
    ".mp3", ".mp4", ".mpga", ".nist", ".oga", ".ogg", ".ogv", ".opus", ".pcm", ".ra", ".rf64", ".snd", ".sph", ".spx",
    ".tta", ".voc", ".vox", ".w64", ".wav", ".wave", ".weba", ".webm", ".wma", ".wmv", ".wv",
))  # fmt: skip
"""A file named so is meant as sound: it is read, or rejected by name. Of the others the first bytes decide."""


def read(path: Path, limits: Limits = LIMITS) -> tuple[Audio, int]:
    """Decode one file at its own rate, its channels averaged. What it holds decides how, not its name.

    wav, rf64 and w64 by NumPy; aiff, au, caf, nist, flac, ogg (Vorbis, Opus, FLAC), mp3 and the rarer codecs of wav by
    libsndfile; mp4, m4a, webm, mka, aac and amr by PyAV, without the encoder's delay and padding where the file tells
    of them. Raises BenchError, naming the file and what to do, when it is missing, no regular file, not audio, empty,
    cut short, beyond the limits, holds NaN, infinite or unscaled samples, or channels that cancel each other.
    """
    try:
        with Source(path) as source:
            return _decode(source, limits)
    except UnreadableError as error:
        raise BenchError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise BenchError(f"{path}: no such file") from None
    except PermissionError:
        raise BenchError(f"{path}: cannot be read, permission denied") from None
    except MemoryError:
        raise BenchError(f"{path}: cannot be read, memory does not suffice") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise BenchError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def decode(file: BinaryIO, limits: Limits = LIMITS) -> tuple[Audio, int]:
    """``read``, of a file that is open or in memory. Raises UnreadableError."""
    with Source(file) as source:
        return _decode(source, limits)


def _decode(source: Source, limits: Limits) -> tuple[Audio, int]:
    with checked(source, limits) as stream:
        parts, whole, averaged = list[Audio](), 0.0, 0.0
        for block in stream.blocks:
            if not stream.pcm:
                check_level(block)
            if stream.channels == 1:
                parts.append(block[:, 0])
                continue
            parts.append(block.mean(axis=1, dtype=np.float32))
            whole += float(np.square(block, dtype=np.float64).mean(axis=1).sum())
            averaged += float(np.square(parts[-1], dtype=np.float64).sum())
    if averaged < CANCELLED * whole:
        raise UnreadableError(
            "its channels cancel each other, their average is silence: one is wired the wrong way round;"
            " keep one channel: ffmpeg -i FILE -af 'pan=mono|c0=c0' OUT.wav"
        )
    return (parts[0] if len(parts) == 1 else np.concatenate(parts)), stream.rate


def check_level(block: Audio) -> None:
    """Raises UnreadableError for samples that are not finite, or so far above 1 that full scale must be another."""
    high, low = float(block.max()), float(block.min())
    if not (math.isfinite(high) and math.isfinite(low)):
        raise UnreadableError("holds NaN or infinite samples")
    if max(high, -low) > LOUDEST:
        raise UnreadableError(
            f"its samples reach {max(high, -low):,.0f}, and full scale is 1: whole numbers kept as floats, or far too"
            " much gain; scale them (16-bit numbers: divide by 32768)"
        )


def is_audio(path: Path) -> bool:
    """Whether a file's first bytes are those of a format that can hold sound, be it read here or not.

    Its name decides nothing. False where it cannot be opened, or is no regular file; never raises, never waits.
    """
    try:
        with Source(path, whole=False) as source:
            return bool(identify(source.file)[0])
    except (OSError, ValueError, UnreadableError):
        return False


def fingerprint(audio: Audio, rate: int) -> str:
    """sha256, in hex, of the little-endian float32 samples followed by the rate as a 32-bit integer."""
    digest = hashlib.sha256(np.ascontiguousarray(audio, dtype="<f4").data)
    digest.update(rate.to_bytes(4, "little"))
    return digest.hexdigest()


def write(path: Path, audio: Audio, rate: int) -> None:
    """Write 16-bit PCM WAV. Samples read from such a file come back exactly; others are rounded and clipped."""
    import soundfile

    pcm = np.clip(np.rint(audio * 32768.0), -32768, 32767).astype(np.int16)
    soundfile.write(path, pcm, rate, format="WAV", subtype="PCM_16")

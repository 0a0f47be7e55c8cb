"""Small files of every format, made up; those that libsndfile cannot write need PyAV."""

from __future__ import annotations

import io
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import soundfile

from bench.audio import Audio
from tests.conftest import tone

RATE = 16_000
SNDFILE = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "NIST", "FLAC", "OGG", "MP3")
OTHER: Mapping[str, tuple[str, str, int]] = {
    "m4a": ("ipod", "aac", 44_100),
    "mp4": ("mp4", "libopus", 48_000),
    "alac.m4a": ("ipod", "alac", 44_100),
    "mov": ("mov", "pcm_s16le", RATE),
    "3gp": ("3gp", "libopencore_amrnb", 8_000),
    "webm": ("webm", "libopus", 48_000),
    "mka": ("matroska", "aac", 44_100),
    "aac": ("adts", "aac", 44_100),
    "amr": ("amr", "libopencore_amrnb", 8_000),
}
"""Ending -> FFmpeg's container, codec and a rate that it takes."""


def by_libsndfile(format: str, audio: Audio | None = None, rate: int = RATE, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, speech() if audio is None else audio, rate, subtype, format=format)
    return file.getvalue()


def by_pyav(
    ending: str,
    audio: Audio | None = None,
    options: Mapping[str, str] | None = None,
    seekable: bool = True,
    tracks: int = 1,
) -> bytes:
    """Skips the test where PyAV is not installed. The sound begins at time 0, so that containers tell of the delay."""
    av: Any = pytest.importorskip("av", reason="needs PyAV: pip install 'digitbench[formats]'")
    container, codec, rate = OTHER[ending]
    audio = speech(rate) if audio is None else audio
    file = io.BytesIO() if seekable else _Pipe()
    with av.open(file, "w", format=container, options=dict(options or {})) as out:
        for stream in [out.add_stream(codec, rate=rate, layout="mono") for _ in range(tracks)]:
            frame = av.AudioFrame.from_ndarray(audio[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
            converted = av.AudioResampler(format=stream.codec_context.codec.audio_formats[0].name).resample(frame)
            for part in (*converted, None):
                out.mux(stream.encode(part))
    return file.getvalue()


def speech(rate: int = RATE, seconds: float = 2.0) -> Audio:
    """A tone that comes and goes, and no sound at both ends."""
    audio = tone(440, seconds, rate)
    fade = np.sin(np.linspace(0, 3 * np.pi, len(audio))) ** 2
    faded: Audio = (audio * fade).astype(np.float32)
    return faded


def unnumbered_mp3(audio: Audio | None = None) -> bytes:
    """An MP3 of varying bit rate without the first frame that says how many there are."""
    from audiodecode.frames import mpeg_frame

    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", RATE, 1, format="MP3", compression_level=0.5, bitrate_mode="VARIABLE") as sound:
        sound.write(speech() if audio is None else audio)
    whole = file.getvalue()
    first = mpeg_frame(whole)
    assert first is not None and b"Xing" in whole[: first.size]
    return whole[first.size :]


class _Pipe(io.BytesIO):
    """What cannot be sought in: a writer must leave out what it only knows at the end."""

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise io.UnsupportedOperation("a pipe")

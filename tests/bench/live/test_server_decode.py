"""Uploads: bare samples as they are told, files of any format, and whatever is thrown at the decoder."""

from __future__ import annotations

import io
import os
import signal
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from bench.live.server_decode import LIMITS, Decoder, UploadError, pcm
from tests.bench.live.running import beep

RATE = 16_000


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as made:
        yield made


def coded(kind: str = "WAV", subtype: str | None = None, rate: int = RATE, audio: NDArray[Any] | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, beep(rate=rate) if audio is None else audio, rate, format=kind, subtype=subtype)
    return file.getvalue()


def muxed(container: str, codec: str, rate: int = 48_000) -> bytes:
    """What a browser's recorder or a phone sends."""
    av = pytest.importorskip("av", reason="needs PyAV: pip install 'digitbench[formats]'")
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(beep(seconds=1, rate=rate)[None], format="fltp", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), 0
        resampler = av.AudioResampler(stream.format.name, "mono", rate, frame_size=stream.codec_context.frame_size)
        frames = [*resampler.resample(frame), *resampler.resample(None)]
        for each in (*frames, None):
            out.mux(stream.encode(each))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG"])
def test_files_become_samples(decoder: Decoder, kind: str) -> None:
    audio, rate = decoder.decode(coded(kind))
    assert rate == RATE and len(audio) == len(beep())
    assert np.corrcoef(audio, beep())[0, 1] > 0.99


@pytest.mark.parametrize(("container", "codec"), [("webm", "libopus"), ("ogg", "libopus"), ("mp4", "aac")])
def test_what_browsers_and_phones_record(decoder: Decoder, container: str, codec: str) -> None:
    audio, rate = decoder.decode(muxed(container, codec))
    assert rate == 48_000 and len(audio) == pytest.approx(48_000, abs=2_000)
    assert 0.1 < np.abs(audio).max() < 0.3


@pytest.mark.parametrize(
    ("kind", "order"), [("audio/pcm;rate=8000", "<i2"), ("audio/L16; rate=8000; channels=1", ">i2")]
)
def test_bare_samples(kind: str, order: str) -> None:
    whole = np.array([0, 1, -1, 32_767, -32_768], np.int16)
    told = pcm(kind, whole.astype(order).tobytes())
    assert told is not None and told[1] == 8_000
    assert np.array_equal(told[0] * 32_768, whole)


def test_channels_of_bare_samples_are_averaged() -> None:
    told = pcm("audio/pcm;rate=8000;channels=2", np.array([2, 4, -2, 0], "<i2").tobytes())
    assert told is not None and list(told[0] * 32_768) == [3, -1]


@pytest.mark.parametrize("kind", ["", "audio/wav", "application/octet-stream", "audio/pcmx;rate=8000", "text/html"])
def test_other_types_are_files(kind: str) -> None:
    assert pcm(kind, b"\0\0") is None


@pytest.mark.parametrize(
    ("kind", "data", "why"),
    [
        ("audio/pcm", b"\0\0", "rate"),
        ("audio/pcm;rate=fast", b"\0\0", "rate"),
        ("audio/pcm;rate=1", b"\0\0", "Hz"),
        ("audio/pcm;rate=9999999999999", b"\0\0", "Hz"),
        ("audio/pcm;rate=-8000", b"\0\0", "Hz"),
        ("audio/pcm;rate=8000;channels=0", b"\0\0", "channels"),
        ("audio/pcm;rate=8000;channels=99", b"\0\0", "channels"),
        ("audio/pcm;rate=8000", b"", "whole number"),
        ("audio/pcm;rate=8000", b"\0", "whole number"),
        ("audio/pcm;rate=8000", bytes(2 * 80_001), "10 s"),
    ],
)
def test_bare_samples_that_are_none(kind: str, data: bytes, why: str) -> None:
    with pytest.raises(UploadError, match=why):
        pcm(kind, data)


def header(seconds: float = 1, rate: int = RATE, channels: int = 1, bits: int = 16) -> bytes:
    """A WAV header alone, of whatever it claims."""
    block = channels * bits // 8
    length = round(seconds * rate) * block
    told = struct.pack(
        "<IHHIIHH", 16, 1, channels & 0xFFFF, rate & 0xFFFFFFFF, rate * block & 0xFFFFFFFF, block & 0xFFFF, bits
    )
    return (
        b"RIFF"
        + struct.pack("<I", min(36 + length, 2**32 - 1))
        + b"WAVEfmt "
        + told
        + b"data"
        + struct.pack("<I", min(length, 2**32 - 1))
    )


def flac_bomb() -> bytes:
    """An hour of silence in some 60 kB."""
    return coded("FLAC", audio=np.zeros(3_600 * RATE // 4, np.float32))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "one byte": lambda: b"\0",
    "text": lambda: b"<script>alert(1)</script>" * 100,
    "a shell": lambda: b"#!/bin/sh\nrm -rf /\n",
    "noise": lambda: np.random.default_rng(0).bytes(50_000),
    "a playlist": lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "ffconcat": lambda: b"ffconcat version 1.0\nfile /etc/passwd\n",
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(1_000),
    "a zip": lambda: b"PK\x03\x04" + bytes(1_000),
    "a header alone": lambda: header(),
    "a header that promises 4 GB": lambda: header(seconds=10**6),
    "no rate": lambda: header(rate=0) + bytes(1_000),
    "a rate of 4 GHz": lambda: header(rate=2**32 - 1) + bytes(1_000),
    "no channels": lambda: header(channels=0) + bytes(1_000),
    "65535 channels": lambda: header(channels=65_535) + bytes(200_000),
    "255 bits": lambda: header(bits=255) + bytes(1_000),
    "too long": lambda: coded(audio=np.zeros(RATE * 10 + 1, np.float32)),
    "cut off": lambda: coded("FLAC")[:-2_000],
    "damaged": lambda: coded("OGG")[:3_000] + bytes(3_000) + coded("OGG")[3_000:],
    "a decompression bomb": flac_bomb,
    "NaN": lambda: coded(subtype="FLOAT", audio=np.full(1_000, np.nan, np.float32)),
    "huge numbers": lambda: coded(subtype="FLOAT", audio=np.full(1_000, 1e30, np.float32)),
    "half a webm": lambda: muxed("webm", "libopus")[:1_500],
    "an mp4 without its index": lambda: muxed("mp4", "aac")[:2_000],
    "chunks without end": lambda: b"RIFF\xff\xff\xff\xffWAVE" + b"LIST\0\0\0\0" * 10_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_uploads_are_refused_in_words(decoder: Decoder, what: str) -> None:
    with pytest.raises(UploadError) as caught:
        decoder.decode(HOSTILE[what]())
    said = str(caught.value)
    assert 5 < len(said) < 300 and "\n" not in said
    assert str(decoder.folder) not in said and "(setting" not in said
    assert decoder.decode(coded())[1] == RATE, "the next one is heard"


def test_nothing_is_left_of_an_upload(decoder: Decoder) -> None:
    decoder.decode(coded())
    assert {path.name for path in decoder.folder.iterdir()} == {"decoder.log"}


def test_a_file_that_ends_the_worker_costs_itself_alone(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder.decode(coded())
    worker: Any = decoder._worker
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(UploadError, match="cannot be decoded: the process was killed"):
        decoder.decode(coded())
    assert decoder.decode(coded())[1] == RATE


def test_memory_is_limited(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bomb under a limit of time that does not stop it."""
    from dataclasses import replace

    from bench.live import server_decode

    monkeypatch.setattr(server_decode, "LIMITS", replace(LIMITS, seconds=1e9, highest_hz=2**31 - 1))
    monkeypatch.setattr(server_decode, "MEMORY_BYTES", 150_000_000)
    with Decoder() as small, pytest.raises(UploadError, match="memory"):
        small.decode(coded("FLAC", audio=np.zeros(3_600 * RATE, np.float32)))

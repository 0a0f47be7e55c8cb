from __future__ import annotations

import hashlib
import io
import os
import socket
import struct
import time
import warnings
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from audiodecode.limits import LIMITS, UnreadableError
from bench.audio import Audio, decode, fingerprint, is_audio, read, write
from bench.errors import BenchError
from tests.audiodecode.sounds import OTHER, SNDFILE, by_libsndfile, by_pyav, speech
from tests.conftest import tone

RATE = 16_000
KINDS = [*SNDFILE, *(OTHER if find_spec("av") else ())]


def saved(path: Path, audio: Audio | None = None, rate: int = RATE, subtype: str | None = None) -> Path:
    soundfile.write(path, tone(440, rate=rate) if audio is None else audio, rate, subtype)
    return path


@pytest.mark.parametrize(
    ("name", "subtype", "tolerance"),
    [
        ("a.wav", "PCM_16", 1e-4),
        ("a.wav", "PCM_24", 1e-6),
        ("a.wav", "FLOAT", 0),
        ("a.wav", "PCM_U8", 1e-2),
        ("a.flac", "PCM_16", 1e-4),
        ("a.ogg", "VORBIS", 0.1),
        ("a.mp3", None, 0.1),
        ("A.WAV", "PCM_16", 1e-4),
    ],
)
def test_formats_come_back_as_float32_mono(tmp_path: Path, name: str, subtype: str | None, tolerance: float) -> None:
    audio = tone(440, rate=RATE)
    read_back, rate = read(saved(tmp_path / name, audio, subtype=subtype))
    assert (rate, read_back.dtype.name, read_back.shape) == (RATE, "float32", audio.shape)
    np.testing.assert_allclose(read_back, audio, atol=tolerance)


def test_reading_pcm16_agrees_with_scipy(data: Path) -> None:
    for path in sorted((data / "fsdd" / "recordings").glob("7_*_0.wav")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scipy on chunks that it does not know
            rate, samples = wavfile.read(path)
        audio, own_rate = read(path)
        assert own_rate == rate
        np.testing.assert_array_equal(audio, samples / np.float32(32768))


def test_real_mp3_and_flac_are_read_whole(data: Path) -> None:
    paths = [*data.glob("common_voice/clips/*.mp3"), *data.glob("librispeech/test-*/**/*.flac")]
    assert len(paths) > 200
    for path in paths:
        audio, rate = read(path)
        assert len(audio) / rate == pytest.approx(soundfile.info(path).duration, abs=0.03)


def test_channels_are_averaged(tmp_path: Path) -> None:
    left, right = tone(440), tone(880)
    audio, _ = read(saved(tmp_path / "stereo.wav", np.stack([left, right], axis=1), 8_000, "FLOAT"))
    np.testing.assert_allclose(audio, (left + right) / 2, atol=1e-7)


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000])
def test_rate_is_the_file_s_own(tmp_path: Path, rate: int) -> None:
    assert read(saved(tmp_path / "a.wav", rate=rate))[1] == rate


def test_one_sample_and_ten_minutes_are_clips(tmp_path: Path) -> None:
    assert read(saved(tmp_path / "short.wav", np.full(1, 0.5, np.float32)))[0] == pytest.approx([0.5], abs=1e-4)
    assert len(read(saved(tmp_path / "long.wav", np.zeros(600 * 8_000, np.float32), 8_000))[0]) == 600 * 8_000


def test_unknown_length_of_a_piped_wav_is_not_truncation(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.wav")
    raw = bytearray(path.read_bytes())
    raw[4:8] = raw[40:44] = b"\xff" * 4
    path.write_bytes(raw)
    assert len(read(path)[0]) == len(tone(440, rate=RATE))


def cut(path: Path, share: float) -> Path:
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    return path


def text(path: Path) -> Path:
    path.write_text("this is not audio, whatever its name says\n" * 50)
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def promising_nothing(path: Path) -> Path:
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    path.write_bytes(struct.pack("<4sI4s", b"RIFF", 4 + len(fmt) + 8, b"WAVE") + fmt + struct.pack("<4sI", b"data", 0))
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def listening(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
    return path


def link(path: Path, target: Path) -> Path:
    path.symlink_to(target)
    return path


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda path: path, "no such file"),
    "directory": (folder, "a directory"),
    "pipe": (pipe, "a pipe"),
    "socket": (listening, "a socket"),
    "device": (lambda path: link(path, Path("/dev/zero")), "a device"),
    "terminal that is not ours": (lambda path: link(path, Path("/dev/tty")), "a device"),
    "loop": (lambda path: link(path, path), "cannot be read"),
    "whole numbers": (
        lambda path: saved(path, tone(440) * 32_768, subtype="FLOAT"),
        "full scale is 1",
    ),
    "gain": (lambda path: saved(path, tone(440) * 9, subtype="DOUBLE"), "divide by 32768"),
    "opposite channels": (lambda path: saved(path, np.stack([tone(440), -tone(440)], 1)), "cancel each other"),
    "opposite pairs": (lambda path: saved(path, np.stack([tone(440), -tone(440)] * 2, 1)), "cancel each other"),
    "NaN in one channel": (
        lambda path: saved(path, np.array([[0, np.nan], [0, 0]], np.float32), subtype="FLOAT"),
        "NaN or infinite",
    ),
    "infinities that cancel": (
        lambda path: saved(path, np.array([[np.inf, -np.inf]], np.float32), subtype="FLOAT"),
        "NaN or infinite",
    ),
    "empty": (empty, "empty"),
    "text": (text, "cannot be decoded"),
    "header only": (promising_nothing, "no samples"),
    "zero length": (lambda path: saved(path, np.zeros(0, np.float32)), "no samples"),
    "truncated": (lambda path: cut(saved(path), 0.5), "truncated"),
    "truncated in the header": (lambda path: cut(saved(path), 0.002), "cannot be decoded"),
    "NaN": (lambda path: saved(path, np.array([0, np.nan], np.float32), subtype="FLOAT"), "NaN or infinite"),
    "infinite": (lambda path: saved(path, np.array([0, -np.inf], np.float32), subtype="DOUBLE"), "NaN or infinite"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_an_error_that_names_it(tmp_path: Path, case: str) -> None:
    make, reason = BAD[case]
    path = make(tmp_path / "bad.wav")
    with pytest.raises(BenchError, match=reason) as error:
        read(path)
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "audio",
    [
        np.zeros(99, np.float32),
        np.zeros((99, 2), np.float32),
        np.stack([tone(440), 0 * tone(440)], 1),
        np.stack([tone(440), -0.9 * tone(440)], 1),
        np.stack([tone(440), tone(881)] + [0 * tone(1)] * 62, 1),
        1.9 * tone(440) / np.abs(tone(440)).max(),
    ],
    ids=["silence", "silence in stereo", "one channel", "nearly opposite", "two of 64 channels", "codecs' overshoot"],
)
def test_what_is_odd_but_sound_is_kept_as_it_is(tmp_path: Path, audio: Audio) -> None:
    expected = audio if audio.ndim == 1 else audio.mean(axis=1)
    np.testing.assert_allclose(read(saved(tmp_path / "a.wav", audio, subtype="FLOAT"))[0], expected, atol=1e-6)


@pytest.mark.parametrize("name", ["a.mp3", "a.raw", "a", "a.txt"])
def test_a_name_decides_nothing(tmp_path: Path, name: str) -> None:
    write(tmp_path / "a.wav", tone(440), RATE)
    expected = fingerprint(*read(tmp_path / "a.wav"))
    (tmp_path / "a.wav").rename(tmp_path / name)
    assert fingerprint(*read(tmp_path / name)) == expected


@pytest.mark.parametrize("ending", ["flac", "ogg", "mp3"])
def test_truncated_compressed_file_is_an_error(tmp_path: Path, ending: str) -> None:
    path = cut(saved(tmp_path / f"a.{ending}", tone(440, seconds=5, rate=RATE)), 0.5)
    with pytest.raises(BenchError, match=r"truncated|cannot be decoded"):
        read(path)


def test_unreadable_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.wav")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)  # a mode would not stop a test that runs as root
    with pytest.raises(BenchError, match="permission denied"):
        read(path)


@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 2**32 - 1))
def test_damaged_bytes_are_an_error_or_sound_audio(whole: Callable[[str], bytes], kind: str, seed: int) -> None:
    began = time.monotonic()
    try:
        audio, rate = decode(io.BytesIO(damaged(whole(kind), seed)))
    except UnreadableError:
        return
    finally:
        assert time.monotonic() - began < 20
    assert len(audio) and np.isfinite(audio).all() and LIMITS.lowest_hz <= rate <= LIMITS.highest_hz


@pytest.fixture(scope="module")
def whole() -> Callable[[str], bytes]:
    """A tenth of a second in a format."""

    def make(kind: str) -> bytes:
        if kind in OTHER:
            return by_pyav(kind, speech(OTHER[kind][2], 0.1))
        return by_libsndfile(kind, speech(seconds=0.1))

    return cache(make)


def damaged(content: bytes, seed: int) -> bytes:
    """One to four faults: bytes changed, set to extremes, cut out, repeated, cut off; most of them near the start."""
    rng = np.random.default_rng(seed)
    raw = bytearray(content)
    for _ in range(rng.integers(1, 5)):
        at = int(len(raw) * rng.random() ** 3)
        size = int(rng.choice([1, 2, 4, 8]))
        match rng.integers(6):
            case 0:
                raw[at : at + size] = rng.bytes(size)
            case 1:
                raw[at : at + size] = bytes([rng.choice([0, 1, 0x7F, 0x80, 0xFF])]) * size
            case 2:
                del raw[at : at + size * 16]
            case 3:
                raw[at:at] = raw[at : at + size * 16]
            case 4 if at:
                del raw[at:]
            case _:
                raw[at % len(raw)] ^= 1 << int(rng.integers(8))
        if not raw:
            break
    return bytes(raw)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_written_pcm16_comes_back_exactly(tmp_path: Path, samples: list[int]) -> None:
    audio = np.array(samples, np.float32) / np.float32(32768)
    write(tmp_path / "a.wav", audio, RATE)
    np.testing.assert_array_equal(read(tmp_path / "a.wav")[0], audio)


def test_fingerprint_is_sha256_of_samples_and_rate() -> None:
    audio = tone(440)
    expected = hashlib.sha256(audio.astype("<f4").tobytes() + struct.pack("<I", RATE)).hexdigest()
    assert fingerprint(audio, RATE) == expected == fingerprint(np.stack([audio, audio], 1)[:, 0], RATE)
    assert fingerprint(audio, 8_000) != expected
    assert fingerprint(audio * np.float32(1.0001), RATE) != expected


@pytest.mark.parametrize("format", ["WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3", "NIST"])
def test_audio_is_known_by_its_content(tmp_path: Path, format: str) -> None:
    path = tmp_path / "no ending"
    soundfile.write(path, tone(440, rate=RATE), RATE, format=format)
    assert is_audio(path)
    tagged = tmp_path / "tagged.txt"
    tagged.write_bytes(b"ID3\x04\0\0\0\0\x7f\x7f" + bytes(16_383) + path.read_bytes())
    assert is_audio(tagged)


def test_what_is_no_audio_is_not_taken_for_it(tmp_path: Path) -> None:
    files = {
        "utf16.csv": "\ufeffpath,label\n".encode("utf-16"), "text.wav": b"The free text" * 99, "empty.wav": b"",
        "image.png": b"\x89PNG\r\n\x1a\n" + bytes(99), "photo.jpg": b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(99),
        "photo.heic": b"\0\0\0\x18ftypheic" + bytes(99), "image.webp": b"RIFF\x40\0\0\0WEBPVP8 " + bytes(99),
        "archive.zip": b"PK\3\4" + bytes(99), "noise": b"\xff\xfb" * 999, "zeros": bytes(9_999), "one": b"\xff",
    }  # fmt: skip
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe.wav")
    for name in (*files, "pipe.wav", "", "missing.wav"):
        assert not is_audio(tmp_path / name), name

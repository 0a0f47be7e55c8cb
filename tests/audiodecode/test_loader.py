"""``load`` against librosa 0.11, sample for sample, and where it is meant to differ."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import audiodecode
from audiodecode import UnreadableError
from bench.workers.parent import ROOT
from tests.audiodecode.sounds import OTHER, RATE, by_libsndfile, by_pyav, speech, unnumbered_mp3

WIDTHS = {"PCM_U8": (1, 1), "PCM_16": (1, 2), "PCM_24": (1, 3), "PCM_32": (1, 4), "FLOAT": (3, 4), "DOUBLE": (3, 8)}
UNKNOWN = (0, 1, 0x7FFF_FFFF, 0xFFFF_FFFF)
LOSSY = (("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("OGG", "OPUS"), ("MP3", "MPEG_LAYER_III"))
CUTS = st.fixed_dictionaries(
    {
        "mono": st.booleans(),
        "sr": st.sampled_from([None, 22_050, 16_000, 44_100.0]),
        "dtype": st.sampled_from(["f4", "f8"]),
    },
    optional={
        "offset": st.sampled_from([0, 0.01, 0.01234, 0.1, 0.25, 9.0]),
        "duration": st.sampled_from([0, 0.01234, 0.05, 0.1, 9, -1]),
    },
)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


@st.composite
def wavs(draw: st.DrawFn) -> bytes:
    """RIFF of every kind of number, with chunks of any length anywhere, and sizes that its writer did not know."""
    subtype, channels = draw(st.sampled_from(list(WIDTHS))), draw(st.integers(1, 6))
    (tag, width), rate = WIDTHS[subtype], draw(st.sampled_from([4_000, 8_000, 11_025, 16_000, 48_000]))
    numbers = draw(st.integers(0, 700)) * channels
    if tag == 3:
        kind = f"<f{width}"
        data = np.random.default_rng(numbers).normal(0, 0.3, numbers).astype(kind).tobytes()
    else:
        data = np.random.default_rng(numbers).bytes(numbers * width)
    frame = channels * width
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * frame, frame, 8 * width)
    if draw(st.booleans()):
        tail = bytes.fromhex("000000001000800000aa00389b71")
        fmt = struct.pack("<H", 0xFFFE) + fmt[2:] + struct.pack("<HHIH", 22, 8 * width, 0, tag) + tail
    free = st.builds(chunk, st.sampled_from([b"JUNK", b"id3 "]), st.binary(max_size=9))
    info = st.builds(lambda text: chunk(b"LIST", b"INFO" + chunk(b"ISFT", text)), st.binary(min_size=1, max_size=9))
    other = free | info
    before = b"".join(draw(st.lists(other, max_size=2)))
    between, after = b"".join(draw(st.lists(other, max_size=2))), b"".join(draw(st.lists(other, max_size=2)))
    size = draw(st.sampled_from([len(data)] * 4 + list(UNKNOWN)))
    body = (
        before + chunk(b"fmt ", fmt) + between + b"data" + struct.pack("<I", size) + data + bytes(len(data) % 2) + after
    )
    return b"RIFF" + struct.pack("<I", draw(st.sampled_from([4 + len(body), 0, 8, 0xFFFF_FFFF]))) + b"WAVE" + body


def both(path: Path, content: bytes, **options: Any) -> None:
    """Raises AssertionError where the samples differ, their type, or the rate; what librosa rejects is rejected."""
    path.write_bytes(content)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            expected, rate = librosa.load(path, **options)
        except Exception:
            expected, rate = None, 0
    if expected is None or any("PySoundFile failed" in str(warning.message) for warning in said):
        # Behind the end librosa 1.0 raises; 0.11 asks FFmpeg, where there is one, and gives some of what was before it.
        with contextlib.suppress(UnreadableError):
            assert not audiodecode.load(path, **options)[0].size
        return
    audio, own_rate = audiodecode.load(path, **options)
    np.testing.assert_array_equal(audio, expected, strict=True)
    assert (own_rate, type(own_rate)) == (rate, type(rate))
    again, _ = audiodecode.load(content, **options)
    np.testing.assert_array_equal(again, audio)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("loader") / "clip"


@settings(max_examples=250, deadline=None)
@given(content=wavs(), options=CUTS)
def test_every_wav_is_librosa_s(path: Path, content: bytes, options: dict[str, Any]) -> None:
    both(path, content, **options)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from([("RF64", subtype) for subtype in WIDTHS] + [("W64", subtype) for subtype in WIDTHS]),
    channels=st.integers(1, 6), frames=st.integers(0, 500), options=CUTS,
)  # fmt: skip
def test_wide_wavs_are_librosa_s(
    path: Path, kind: tuple[str, str], channels: int, frames: int, options: dict[str, Any]
) -> None:
    audio = np.random.default_rng(frames).uniform(-1, 1, (frames, channels)).astype(np.float32)
    both(path, by_libsndfile(kind[0], audio, 8_000, kind[1]), **options)


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(LOSSY), channels=st.integers(1, 2), options=CUTS)
def test_other_formats_are_librosa_s(path: Path, kind: tuple[str, str], channels: int, options: dict[str, Any]) -> None:
    if kind[1] == "OPUS" and options.get("offset") == 9.0:
        options["sr"] = 16_000  # past the end librosa asks ffmpeg, which takes all Opus for 48 kHz
    audio = np.stack([speech(seconds=0.4)] * channels, axis=1)
    both(path, by_libsndfile(kind[0], audio, RATE, kind[1]), **options)


@pytest.mark.parametrize("method", ["soxr_vhq", "soxr_mq", "soxr_lq", "soxr_qq", "fft", "polyphase"])
def test_other_methods_of_resampling_are_librosa_s(path: Path, method: str) -> None:
    both(
        path, by_libsndfile("WAV", np.stack([speech(seconds=0.4)] * 2, axis=1)), sr=22_050, mono=False, res_type=method
    )


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("channels", [1, 2, 3])
def test_long_files_are_read_in_blocks_without_a_seam(path: Path, subtype: str, channels: int) -> None:
    audio = np.random.default_rng(0).uniform(-1, 1, (400_000, channels)).astype(np.float32)
    content = by_libsndfile("WAV", audio, RATE, subtype)
    for options in ({}, {"offset": 7.77, "duration": 11.3}, {"mono": False}):
        both(path, content, sr=None, **options)
    in_parts, _ = audiodecode.load(io.BufferedReader(io.FileIO(path)), sr=None)
    np.testing.assert_array_equal(in_parts, audiodecode.load(path, sr=None, strict=True)[0])


def test_whole_numbers_are_left_whole(path: Path) -> None:
    for dtype in ("int16", "int32"):
        both(path, by_libsndfile("FLAC"), sr=None, mono=False, dtype=dtype)
    with pytest.raises(ValueError, match="mono=False and sr=None"):
        audiodecode.load(path, dtype="int16")
    with pytest.raises(ValueError, match="not float16"):
        audiodecode.load(path, dtype="float16")


def test_a_name_decides_nothing(tmp_path: Path) -> None:
    for format in ("WAV", "FLAC", "OGG", "MP3"):
        content = by_libsndfile(format)
        (tmp_path / "clip.mp3").write_bytes(content)
        expected = audiodecode.load(content, sr=None)[0]
        np.testing.assert_array_equal(audiodecode.load(str(tmp_path / "clip.mp3"), sr=None)[0], expected)
        with (tmp_path / "clip.mp3").open("rb") as file:
            file.seek(99)
            np.testing.assert_array_equal(audiodecode.load(file, sr=None)[0], expected)
        np.testing.assert_array_equal(
            audiodecode.load(os.open(tmp_path / "clip.mp3", os.O_RDONLY), sr=None)[0], expected
        )


def test_an_mp3_whose_frames_nobody_counted_is_read_whole(path: Path) -> None:
    loud, quiet = np.random.default_rng(0).normal(0, 0.2, 10 * RATE).clip(-1, 1), np.zeros(10 * RATE)
    path.write_bytes(unnumbered_mp3(np.concatenate([loud, quiet]).astype(np.float32)))
    audio, rate = audiodecode.load(path, sr=None)
    assert len(audio) / rate == pytest.approx(20, abs=0.2)
    assert abs(len(librosa.load(path, sr=None)[0]) / rate - 20) > 1
    assert audiodecode.duration(path) == pytest.approx(20, abs=0.2)


@pytest.mark.parametrize("format", ["WAV", "FLAC", "OGG", "MP3"])
def test_strict_takes_no_part_of_a_file(path: Path, format: str) -> None:
    whole = by_libsndfile(format)
    np.testing.assert_array_equal(audiodecode.load(whole, strict=True)[0], audiodecode.load(whole)[0])
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnreadableError, match=r"clip: truncated"):
        audiodecode.load(path, strict=True)


@pytest.mark.parametrize("ending", ["m4a", "webm", "aac"])
def test_formats_of_phones_and_browsers_come_without_padding(ending: str) -> None:
    rate = OTHER[ending][2]
    content = by_pyav(ending)
    audio, own_rate = audiodecode.load(content, sr=None)
    assert own_rate == rate and abs(len(audio) - 2 * rate) <= (2_500 if ending == "aac" else 1_024)
    part, _ = audiodecode.load(content, sr=None, offset=0.5, duration=0.25)
    np.testing.assert_array_equal(part, audio[rate // 2 : rate // 2 + rate // 4])
    assert len(audiodecode.load(content, sr=None, offset=99)[0]) == 0
    np.testing.assert_array_equal(audiodecode.load(content, sr=None, strict=True)[0], audio)


@pytest.mark.parametrize("rate", [RATE, 48_000])
def test_opus_may_be_decoded_by_ffmpeg(rate: int) -> None:
    pytest.importorskip("av", reason="needs PyAV: pip install 'digitbench[formats]'")
    content = by_libsndfile("OGG", speech(rate), rate, "OPUS")
    exact, own_rate = audiodecode.load(content, sr=None)
    fast, fast_rate = audiodecode.load(content, sr=None, exact=False)
    assert fast_rate == own_rate == rate and len(fast) == len(exact)
    np.testing.assert_allclose(fast, exact, atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_number_is_said(path: Path, value: float) -> None:
    audio = speech()
    audio[9] = value
    path.write_bytes(by_libsndfile("WAV", audio, subtype="FLOAT"))
    with pytest.raises(UnreadableError, match="clip: holds NaN"):
        audiodecode.load(path, sr=None)
    np.testing.assert_array_equal(audiodecode.load(path, sr=None, mono=False)[0], audio)


def test_errors_name_the_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.wav"):
        audiodecode.load(tmp_path / "nothing.wav")
    with pytest.raises(UnreadableError, match=f"{tmp_path.name}: a directory"):
        audiodecode.load(tmp_path)
    for content in (b"", b"hello " * 99):
        (tmp_path / "text.wav").write_bytes(content)
        with pytest.raises(UnreadableError, match=r"text\.wav: not audio"):
            audiodecode.load(str(tmp_path / "text.wav"))
    with pytest.raises(ValueError, match="positive"):
        audiodecode.load(by_libsndfile("WAV"), sr=-1)
    with pytest.raises(TypeError, match="a path, bytes or a file"):
        audiodecode.load(3.5)  # type: ignore[arg-type]


def test_a_tensor_shares_the_memory() -> None:
    torch = pytest.importorskip("torch")
    tensor, _ = audiodecode.load(by_libsndfile("WAV"), sr=None, out="torch")
    assert isinstance(tensor, torch.Tensor) and np.shares_memory(tensor.numpy(), tensor.numpy())
    np.testing.assert_array_equal(tensor.numpy(), audiodecode.load(by_libsndfile("WAV"), sr=None)[0])


def test_a_wav_costs_no_import_but_numpy(path: Path) -> None:
    path.write_bytes(by_libsndfile("WAV"))
    code = (
        "import sys, audiodecode; audiodecode.load(sys.argv[1], sr=None); audiodecode.duration(sys.argv[1]);"
        "print([name for name in ('librosa', 'soundfile', 'soxr', 'scipy', 'av', 'numba') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.skipif("DIGITBENCH_DATA" not in os.environ, reason="needs real recordings: set DIGITBENCH_DATA")
@pytest.mark.parametrize(
    ("corpus", "step"), [("fsdd", 100), ("common_voice", 12), ("librispeech", 15), ("other_people", 30)]
)
def test_real_recordings_are_librosa_s(corpus: str, step: int) -> None:
    folder = Path(os.environ["DIGITBENCH_DATA"]) / corpus
    files = sorted(each for each in folder.rglob("*") if each.suffix in (".wav", ".flac", ".mp3"))[::step]
    assert len(files) > 5
    for file in files:
        for options in ({"sr": None}, {"sr": 16_000, "offset": 0.1, "duration": 0.2}):
            expected, rate = librosa.load(file, **options)
            audio, own_rate = audiodecode.load(file, **options)
            assert own_rate == rate
            np.testing.assert_array_equal(audio, expected, err_msg=str(file))
    assert soundfile.info(files[0]).duration == audiodecode.duration(files[0])

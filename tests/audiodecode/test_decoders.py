"""Formats of phones and browsers, and what to do where PyAV is not installed."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
import soundfile
from scipy.signal import correlate

from audiodecode import sndfile
from audiodecode.limits import UnreadableError
from bench.audio import decode
from tests.audiodecode.sounds import OTHER, by_libsndfile, by_pyav, speech


@pytest.mark.parametrize("ending", ["m4a", "mp4", "alac.m4a", "mov", "webm", "mka"])
def test_delay_and_padding_of_the_encoder_are_trimmed(ending: str) -> None:
    rate = OTHER[ending][2]
    original = speech(rate)
    audio, own_rate = decode(io.BytesIO(by_pyav(ending, original)))
    assert own_rate == rate and audio.dtype == np.float32
    assert 0 <= len(audio) - len(original) <= 1_024
    lag = int(np.argmax(correlate(audio, original, method="fft"))) - len(original) + 1
    assert abs(lag) <= 1
    assert np.corrcoef(audio[: len(original)], original)[0, 1] > 0.98


@pytest.mark.parametrize("ending", ["aac", "amr", "3gp"])
def test_formats_that_do_not_tell_their_delay_are_read_whole(ending: str) -> None:
    rate = OTHER[ending][2]
    audio, own_rate = decode(io.BytesIO(by_pyav(ending)))
    assert own_rate == rate and abs(len(audio) - 2 * rate) < 2_500
    assert np.abs(audio).max() > 0.2


def test_opus_has_no_delay() -> None:
    original = speech(48_000)
    audio, _ = decode(io.BytesIO(by_libsndfile("OGG", original, 48_000, "OPUS")))
    assert len(audio) == len(original)
    assert abs(int(np.argmax(correlate(audio, original, method="fft"))) - len(original) + 1) <= 1


def test_a_codec_that_libsndfile_has_not_is_left_to_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    content = by_libsndfile("WAV", subtype="ULAW")
    expected, _ = decode(io.BytesIO(content))
    pytest.importorskip("av")

    class Refusing:
        def __init__(self, *_: object, **__: object) -> None:
            raise soundfile.LibsndfileError(4)

    monkeypatch.setattr(sndfile, "Forward", Refusing)
    np.testing.assert_allclose(decode(io.BytesIO(content))[0], expected, atol=1e-6)


def test_several_streams_are_said() -> None:
    with pytest.raises(UnreadableError, match="2 streams of sound"):
        decode(io.BytesIO(by_pyav("mka", tracks=2)))


def test_a_film_without_sound_is_said() -> None:
    av = pytest.importorskip("av", reason="needs PyAV: pip install 'digitbench[formats]'")
    for container in ("mp4", "matroska"):
        file = io.BytesIO()
        with av.open(file, "w", format=container) as out:
            stream = out.add_stream("mpeg4", rate=25)
            stream.width = stream.height = 64
            stream.pix_fmt = "yuv420p"
            for _ in range(3):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")))
            out.mux(stream.encode(None))
        with pytest.raises(UnreadableError, match="no sound, only pictures"):
            decode(io.BytesIO(file.getvalue()))


@pytest.mark.parametrize(("ending", "name"), [("m4a", "m4a"), ("webm", "webm"), ("aac", "AAC"), ("amr", "AMR")])
def test_without_pyav_both_ways_out_are_named(monkeypatch: pytest.MonkeyPatch, ending: str, name: str) -> None:
    content = by_pyav(ending)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UnreadableError, match=rf"{name}.*pip install 'av<19'.*ffmpeg -i FILE OUT.wav"):
        decode(io.BytesIO(content))


@pytest.mark.parametrize(
    ("head", "name"),
    [(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"), (b"RIFF\x40\0\0\0AVI LIST", "AVI"), (b"wvpk", "WavPack")],
)
def test_formats_that_are_not_read_are_named(head: bytes, name: str) -> None:
    with pytest.raises(UnreadableError, match=f"{name}.* is not read; convert it: ffmpeg"):
        decode(io.BytesIO(head + bytes(999)))


@pytest.mark.parametrize(
    "text",
    ["#EXTM3U\n#EXTINF:1\nhttp://127.0.0.1:9/a.ts\n", "ffconcat version 1.0\nfile a\n", "v=0\no=- 0 0\n"],
)
def test_lists_of_addresses_are_never_followed(text: str) -> None:
    with pytest.raises(UnreadableError, match="not audio"):
        decode(io.BytesIO(text.encode()))


def test_complaints_of_libraries_stay_off_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    for format in ("MP3", "OGG", "FLAC"):
        raw = bytearray(by_libsndfile(format))
        raw[len(raw) // 2 : len(raw) // 2 + 200] = bytes(200)
        with pytest.raises(UnreadableError):
            decode(io.BytesIO(raw))
    raw = bytearray(by_pyav("m4a"))
    raw[2_000:2_400] = b"\xa5" * 400
    with pytest.raises(UnreadableError):
        decode(io.BytesIO(raw))
    assert capfd.readouterr() == ("", "")

"""Length and kind of a recording, without decoding it."""

from __future__ import annotations

from pathlib import Path

import librosa
import pytest

from audiodecode import Info, UnreadableError, duration, info
from tests.audiodecode.sounds import OTHER, RATE, SNDFILE, by_libsndfile, by_pyav


@pytest.mark.parametrize("format", SNDFILE)
def test_the_duration_is_librosa_s(format: str, tmp_path: Path) -> None:
    (tmp_path / "clip").write_bytes(by_libsndfile(format))
    assert duration(tmp_path / "clip") == librosa.get_duration(path=tmp_path / "clip") == 2.0
    assert duration(tmp_path / "clip", exact=True) == 2.0
    assert info(tmp_path / "clip").rate == librosa.get_samplerate(tmp_path / "clip") == RATE


def test_what_a_header_says() -> None:
    assert info(by_libsndfile("WAV", subtype="PCM_24")) == Info("wav", "PCM_24", RATE, 1, 2 * RATE)
    assert info(by_libsndfile("FLAC")) == Info("flac", "PCM_16", RATE, 1, 2 * RATE)
    assert info(by_libsndfile("OGG", subtype="OPUS")).encoding == "OPUS"


@pytest.mark.parametrize(("ending", "codec"), [("m4a", "aac"), ("webm", "opus"), ("aac", "aac"), ("amr", "amr")])
def test_phones_and_browsers(ending: str, codec: str) -> None:
    content = by_pyav(ending)
    found = info(content)
    assert codec in found.encoding and found.rate == OTHER[ending][2]
    assert duration(content) == found.duration == pytest.approx(2, abs=0.1)
    assert duration(content, exact=True) == pytest.approx(2, abs=0.1)


def test_errors_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"hello " * 99)
    for each in (duration, info):
        with pytest.raises(UnreadableError, match="text: not audio"):
            each(tmp_path / "text")
        with pytest.raises(FileNotFoundError, match="nothing"):
            each(tmp_path / "nothing")

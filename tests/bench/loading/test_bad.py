from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.loading.bad import bad_files, outcome
from bench.loading.sounds import RATE, Voice
from tests.conftest import tone


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    samples = np.concatenate([tone(300 + 50 * place, seed=place) for place in range(20)])
    return {each.name: each.path for each in bad_files(Voice(samples, "tones"), tmp_path_factory.mktemp("bad"))}


def test_they_are_bad_in_the_way_that_their_names_say(files: dict[str, Path]) -> None:
    assert len(files) == 12
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.read(files["text called .wav"])
    assert files["empty file"].read_bytes() == b""
    assert files["WAV whose size says 0xFFFFFFFF"].read_bytes()[40:44] == b"\xff" * 4
    headerless = files["VBR MP3 without its first frame (Xing)"].read_bytes()
    assert b"Xing" not in headerless[:200]
    assert headerless[0] == 0xFF
    whole = soundfile.info(headerless_source(files)).frames
    assert abs(whole - 60 * RATE) < 3000


def headerless_source(files: dict[str, Path]) -> Path:
    return files["VBR MP3 without its first frame (Xing)"].with_name("vbr.mp3")


@pytest.mark.parametrize(
    ("expected", "found", "words"),
    [
        (100, {"samples": 100}, "all"),
        (100, {"samples": 23}, "23 %, silently"),
        (0, {"samples": 0}, "no samples, silently"),
        (0, {"samples": 9}, "9 samples, silently"),
        (100, {"error": "ValueError: no"}, "refused: ValueError: no"),
        (100, {"error": "exit code -11", "died": True}, "died: exit code -11"),
    ],
)
def test_what_a_loader_did_in_words(expected: int, found: dict[str, object], words: str) -> None:
    assert outcome(expected, found) == words

"""Shared features are the plain ones, to the last bit or six digits; a table resumes and says what it left out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.audio import write
from bench.workers.parent import ROOT
from examples.emotion import plain
from examples.emotion.close import CLOSE
from examples.emotion.files import RESAMPLED, prepared, row
from examples.emotion.names import NAMES
from examples.emotion.peaks import Samples
from examples.emotion.shared import features
from examples.emotion.table import crew, pieces, rows, work
from examples.emotion.where import OTHER, READING, where

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::RuntimeWarning")


def voiced(seed: int, rate: int, samples: int) -> Samples:
    """A gliding tone with overtones in noise, with a silence in it."""
    random = np.random.default_rng(seed)
    time = np.arange(samples) / rate
    pitch = random.uniform(80, 300) * (1 + 0.2 * np.sin(2 * np.pi * random.uniform(0.5, 3) * time))
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    sound = sum(random.uniform(0, 0.3) / part * np.sin(part * phase) for part in range(1, 12))
    sound = sound + random.normal(0, 10 ** random.uniform(-5, -1), samples)
    start = int(random.integers(samples))
    sound[start : start + samples // 5] = 0
    return np.asarray(sound, dtype=np.float32)


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.sampled_from([16_000, 22_050, 44_100, 48_000]), st.integers(512, 40_000))
def test_shared_features_are_the_plain_ones(seed: int, rate: int, samples: int) -> None:
    audio = voiced(seed, rate, samples)
    reference = plain.features(audio, rate)
    assert reference.shape == (312,) == (len(NAMES),)
    assert np.array_equal(features(audio, rate), reference, equal_nan=True)
    np.testing.assert_allclose(features(audio, rate, CLOSE), reference, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("audio", [np.zeros(8000, np.float32), np.ones(8000, np.float32), np.eye(1, 8000, 4000)[0]])
def test_silence_and_clicks_too(audio: Samples) -> None:
    audio = audio.astype(np.float32)
    assert np.array_equal(features(audio, 16_000), plain.features(audio, 16_000), equal_nan=True)


def test_low_rates_are_resampled_and_others_are_not() -> None:
    audio = voiced(0, 8_000, 8_000)
    resampled, rate = prepared(audio, 8_000)
    assert (rate, len(resampled)) == (RESAMPLED, 16_000)
    assert prepared(audio, 12_801)[0] is audio
    with pytest.raises(Exception, match="Nyquist"):
        plain.features(audio, 12_800)  # why they are


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    for place in range(20):
        write(tmp_path / "in" / f"{place:02}.wav", voiced(place, 16_000, 6_000), 16_000)
    write(tmp_path / "in" / "short.wav", voiced(0, 16_000, 100), 16_000)
    (tmp_path / "in" / "words.wav").write_text("no sound")
    return tmp_path


def test_a_file_without_features_says_why(folder: Path) -> None:
    for way in ("plain", "exact", "close"):
        assert row(folder / "in", "short.wav", way).error.startswith("100 samples, at least 512")
        assert row(folder / "in", "words.wav", way).error
        assert row(folder / "in", "none.wav", way).error
        assert not row(folder / "in", "00.wav", way).error


def test_finished_pieces_stay_and_a_changed_file_is_another_piece(folder: Path) -> None:
    parts = folder / "parts"
    parts.mkdir()
    paths = sorted(path.name for path in (folder / "in").glob("*.wav"))
    whole = pieces(folder / "in", paths, "exact", parts)
    assert len(whole) == 3
    done: list[int] = []
    with crew(1) as pool:
        work(folder / "in", whole[:1], "exact", pool, done.append)
    assert (done, whole[0].kept.exists(), whole[1].kept.exists()) == ([8], True, False)
    assert pieces(folder / "in", paths, "exact", parts) == whole
    assert pieces(folder / "in", paths, "close", parts)[0].kept != whole[0].kept
    with crew(2) as pool:
        work(folder / "in", whole[1:], "exact", pool, done.append)
    assert [each.path for each in rows(whole)] == paths
    write(folder / "in" / "00.wav", voiced(99, 16_000, 6_500), 16_000)
    changed = pieces(folder / "in", paths, "exact", parts)
    assert (changed[0].kept == whole[0].kept, changed[1].kept == whole[1].kept) == (False, True)


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "examples.emotion_features", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_two_ways_make_equal_tables_and_bad_files_are_named(folder: Path) -> None:
    exact = run(folder / "in", folder / "exact.parquet", "--workers", 2)
    ours = run(folder / "in", folder / "plain.csv", "--way", "plain")
    assert (exact.returncode, ours.returncode) == (1, 1)
    assert "short.wav: 100 samples" in exact.stderr
    assert "words.wav" in exact.stderr
    left, right = pd.read_parquet(folder / "exact.parquet"), pd.read_csv(folder / "plain.csv")
    assert list(left.columns) == ["path", "seconds", "rate", *NAMES]
    assert len(left) == 20
    np.testing.assert_array_equal(left[list(NAMES)].to_numpy(), right[list(NAMES)].to_numpy())
    assert not list(folder.glob("*.parts"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none", "out.csv"), "no such folder"),
        ((".", "out.txt"), "call the table .parquet or .csv"),
        (("bench/report", "out.csv"), "no recordings"),
        ((".", "out.csv", "--workers", "0"), "--workers 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_profile_counts_nothing_twice(folder: Path) -> None:
    found = where(lambda: [row(folder / "in", f"{place:02}.wav", "plain") for place in range(4)])
    assert all(seconds >= 0 for seconds in found.values())
    assert found["spectrograms"] > 0
    assert found[READING] > 0
    assert found[OTHER] < sum(found.values())

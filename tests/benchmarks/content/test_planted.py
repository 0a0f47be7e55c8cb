from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.audio import write
from benchmarks.content.noises import Noise
from benchmarks.content.planted import COLLAR, ROOM_DB, UNKNOWN, collared, counts, join, measured, speech_hops, total
from benchmarks.speech import RATE, Utterance
from sound.activity import HOP
from sound.content.scores import NOISE, SILENCE, SPOKEN
from sound.level import active_level, rms_level


@pytest.fixture
def clip(tmp_path: Path) -> Utterance:
    """Half a second of a buzz between two of nothing."""
    buzz = np.sign(np.sin(2 * np.pi * 140 * np.arange(RATE // 2) / RATE)) * 0.2
    audio = np.concatenate([np.zeros(RATE // 2), buzz, np.zeros(RATE // 2)]).astype(np.float32)
    write(tmp_path / "clip.wav", audio, RATE)
    return Utterance("made", "clip", tmp_path / "clip.wav", "nobody", "BUZZ")


@pytest.fixture
def hiss() -> Noise:
    return Noise("white", "hiss", np.random.default_rng(0).normal(0, 0.05, 9 * RATE).astype(np.float32))


def test_speech_is_where_the_clean_clip_is_loud(clip: Utterance) -> None:
    hops = np.flatnonzero(speech_hops(clip.audio()))
    assert abs(hops[0] * HOP / RATE - 0.5) < 0.15 and abs((hops[-1] + 1) * HOP / RATE - 1.0) < 0.15


@pytest.mark.parametrize("snr_db", [20.0, -5.0])
def test_every_stretch_is_what_its_truth_says(clip: Utterance, hiss: Noise, snr_db: float) -> None:
    recording = join(clip, hiss, snr_db)
    assert len(recording.audio) == len(recording.truth) * HOP
    pieces = recording.audio.reshape(-1, HOP)
    silent = np.concatenate(pieces[(recording.truth == SILENCE)])
    assert rms_level(silent) == pytest.approx(ROOM_DB, abs=0.5)
    beside = np.concatenate(pieces[recording.within("beside") == NOISE])
    clean = np.concatenate(pieces[recording.stretch == 5])
    assert set(recording.within("in_noise")) == {NOISE, SPOKEN, UNKNOWN}
    if snr_db > 0:  # below, the sum may have been scaled down
        assert active_level(clean, RATE) - rms_level(beside) == pytest.approx(snr_db, abs=1.5)


def test_near_a_joint_nothing_is_known() -> None:
    truth = np.array([SILENCE] * 5 + [NOISE] * 5)
    assert (collared(truth) == UNKNOWN).nonzero()[0].tolist() == list(range(5 - COLLAR, 5 + COLLAR))


def test_counts_are_by_truth_and_label() -> None:
    truth, labels = np.array([0, 1, 1, 2, UNKNOWN]), np.array([0, 1, 2, 2, 1])
    table = counts(truth, labels)
    assert table == [[1, 0, 0], [0, 1, 1], [0, 0, 1]]
    np.testing.assert_array_equal(total([table, table]), 2 * np.array(table))


def test_planted_hiss_and_silence_are_told(clip: Utterance, hiss: Noise) -> None:
    row = measured(join(clip, hiss, 20.0))
    table = np.array(row["counts"])
    assert table[SILENCE, SILENCE] / table[SILENCE].sum() > 0.95
    assert np.array(row["beside"])[NOISE, NOISE] / np.array(row["beside"]).sum() > 0.95
    assert row["cpu_s"] > 0 and row["hops"] == len(join(clip, hiss, 20.0).truth)

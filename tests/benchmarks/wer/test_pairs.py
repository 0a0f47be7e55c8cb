from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from bench.audio import write
from bench.errors import BenchError
from benchmarks.speech import Utterance
from benchmarks.wer import pairs
from benchmarks.wer.system import Hypothesis
from sound import Audio
from tests.benchmarks.wer import pairing


class Deaf:
    """Hears nothing, and counts how often it was asked."""

    asked: list[int]

    def __init__(self) -> None:
        Deaf.asked = []

    def hear(self, audios: Sequence[Audio]) -> list[Hypothesis]:
        assert len({audio.size for audio in audios}) == 1
        Deaf.asked.append(len(audios))
        return [Hypothesis("", 0, {"avg_logprob": -1.0}) for _ in audios]


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Utterance]:
    monkeypatch.setattr(pairs, "WatchedWhisper", Deaf)
    monkeypatch.setattr(pairs, "CONDITIONS", {"dev": ("clean", "speed:1.25", "noise:white@10dB")})
    utterances = []
    for name, text in (("one", "A WORD"), ("two", "TWO MORE WORDS")):
        write(tmp_path / f"{name}.wav", np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32), 16_000)
        utterances.append(Utterance("made", name, tmp_path / f"{name}.wav", name, text))
    return utterances


def test_every_clip_is_heard_once_under_every_condition(clips: list[Utterance], tmp_path: Path) -> None:
    place, mels = tmp_path / "cache" / "pairs.jsonl", tmp_path / "cache" / "mels"
    new_pairs = list(pairs.make(clips, "dev", place, mels))
    assert [pair.wer for pair in new_pairs] == [1.0] * 6 and {pair.words for pair in new_pairs} == {2, 3}
    assert Deaf.asked == [2, 1, 2, 1]  # as long as the clip: together; faster: by itself
    assert pairs.read(place) == new_pairs
    assert list(pairs.make(clips, "dev", place, mels)) == []
    with np.load(pairs.mel_file(mels, "made", "one")) as stored:
        assert {name: mel.shape for name, mel in stored.items()}["clean"] == (64, 51)


def test_what_was_cut_short_is_made_again_alone(clips: list[Utterance], tmp_path: Path) -> None:
    place, mels = tmp_path / "pairs.jsonl", tmp_path / "mels"
    new_pairs = list(pairs.make(clips, "dev", place, mels))
    place.write_text("".join(json.dumps(asdict(pair)) + "\n" for pair in new_pairs[:-1]) + '{"corpus": "ma')
    assert list(pairs.make(clips, "dev", place, mels)) == new_pairs[-1:]
    assert sorted(map(str, pairs.read(place))) == sorted(map(str, new_pairs))


def test_a_line_that_is_no_pair_is_named(tmp_path: Path) -> None:
    (tmp_path / "pairs.jsonl").write_text('{"corpus": "made"}\n')
    with pytest.raises(BenchError, match=r"pairs.jsonl: holds what is no pair"):
        pairs.read(tmp_path / "pairs.jsonl")


def test_more_errors_than_words_count_as_all() -> None:
    (pair, *_) = pairing.pairs("dev", 1)
    assert pairs.Pair(**{**asdict(pair), "errors": 50}).wer == 1


def test_no_noise_recording_is_in_both_parts() -> None:
    recorded = {
        part: {name.partition("@")[0] for name in names if name.startswith("noise:")} - {"noise:white", "noise:pink"}
        for part, names in pairs.CONDITIONS.items()
    }
    assert all(recorded.values()) and not recorded["dev"] & recorded["test"]

"""Corpora that people have: Speech Commands and AudioMNIST, in small."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.audio import write
from bench.corpora import open_corpus
from bench.corpora.audiomnist import SPEAKERS, TEST_SPEAKERS
from bench.errors import BenchError
from tests.conftest import tone

DIGITS = {"0": ["zero", "oh"], "7": ["seven"]}


def put(*paths: Path) -> None:
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, tone(300 + 40 * number), 8_000)


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    root = tmp_path / "speech_commands"
    names = ("seven/c50f55b8_nohash_0", "seven/c50f55b8_nohash_1", "zero/004ae714_nohash_0", "zero/0a7c2a8d_nohash_0")
    others = ("bed/004ae714_nohash_0", "_background_noise_/pink_noise", "seven/odd name", "stray")
    put(*(root / f"{name}.wav" for name in (*names, *others)))
    (root / "testing_list.txt").write_text(
        "zero/004ae714_nohash_0.wav\nbed/004ae714_nohash_0.wav\nyes/a_nohash_0.wav\n"
    )
    (root / "validation_list.txt").write_text("zero/0a7c2a8d_nohash_0.wav\n")
    return root


def test_speech_commands_has_speakers_and_its_official_split(commands: Path) -> None:
    corpus = open_corpus(f"speech_commands:{commands}", DIGITS)
    assert corpus.clips[["clip", "label", "speaker", "official"]].to_numpy().tolist() == [
        ["seven/c50f55b8_nohash_0", "7", "c50f55b8", "train"],
        ["seven/c50f55b8_nohash_1", "7", "c50f55b8", "train"],
        ["zero/004ae714_nohash_0", "0", "004ae714", "test"],
        ["zero/0a7c2a8d_nohash_0", "0", "0a7c2a8d", "train"],
    ]
    assert sorted(map(str, corpus.left_out)) == [
        "files labelled 'bed', outside the vocabulary (1)",
        "files not named as WORD/HASH_nohash_N (2)",
        "files of _background_noise_, no words (1)",
    ]
    assert not corpus.rejected and not corpus.notice and corpus.name == corpus.title == "speech_commands"
    assert "validation_list.txt counts as train" in corpus.hints[0]


def test_speech_commands_is_found_below_and_by_data(commands: Path) -> None:
    inner = open_corpus("speech_commands", DIGITS, commands.parent)
    assert inner.root == commands and len(inner.clips) == 4


def test_speech_commands_without_lists_or_clips_says_so(commands: Path, tmp_path: Path) -> None:
    (commands / "testing_list.txt").write_text("zero/004ae714_nohash_0.wav\nseven/gone_nohash_0.wav\n")
    assert "1 of the clips in testing_list.txt are missing" in open_corpus(f"speech_commands:{commands}", DIGITS).notice
    (commands / "testing_list.txt").unlink()
    corpus = open_corpus(f"speech_commands:{commands}", DIGITS)
    assert corpus.clips["official"].isna().all() and "testing_list.txt is missing" in corpus.notice
    (tmp_path / "else").mkdir()
    with pytest.raises(BenchError, match=r"no Speech Commands here; .* opens as folder:"):
        open_corpus(f"speech_commands:{tmp_path / 'else'}", DIGITS)
    with pytest.raises(BenchError, match="no such folder"):
        open_corpus(f"speech_commands:{tmp_path / 'gone'}", DIGITS)
    with pytest.raises(BenchError, match="needs to know where: --data PATH, or speech_commands:PATH"):
        open_corpus("speech_commands", DIGITS)


def test_noise_is_no_word_though_the_vocabulary_had_it(commands: Path) -> None:
    corpus = open_corpus(f"speech_commands:{commands}", {**DIGITS, "_background_noise_": ["noise"]})
    assert "_background_noise_" not in set(corpus.clips["label"])


def test_words_outside_the_vocabulary_alone_are_an_error_without_advice(commands: Path) -> None:
    with pytest.raises(BenchError, match=r"nothing here is in the vocabulary \(yes, no\)") as error:
        open_corpus(f"speech_commands:{commands}", {"yes": ["yes"], "no": ["no"]})
    assert "looks like" not in str(error.value)


def test_speech_commands_opens_as_a_folder(commands: Path) -> None:
    corpus = open_corpus(f"folder:{commands}", DIGITS)
    assert set(corpus.clips["label"]) == {"0", "7"} and corpus.clips["speaker"].isna().all()
    assert [row.path for row in corpus.rejected] == ["stray.wav"]
    assert any(f"speech_commands:{commands}" in hint for hint in corpus.hints)


@pytest.mark.parametrize("below", ["", "data", "AudioMNIST/data"])
def test_audiomnist_has_speakers_and_the_first_published_fold(tmp_path: Path, below: str) -> None:
    root = tmp_path / below
    put(*(root / name for name in ("01/7_01_0.wav", "26/0_26_49.wav", "12/0_12_3.wav", "12/3_12_3.wav")))
    put(*(root / name for name in ("61/0_61_0.wav", "01/7_02_0.wav", "readme.wav")))
    (root / "audioMNIST_meta.txt").write_text("{}")
    corpus = open_corpus(f"audiomnist:{tmp_path}", DIGITS)
    assert corpus.root == root
    assert corpus.clips[["clip", "label", "speaker", "official"]].to_numpy().tolist() == [
        ["01/7_01_0", "7", "01", "train"],
        ["12/0_12_3", "0", "12", "train"],
        ["26/0_26_49", "0", "26", "test"],
    ]
    assert sorted(map(str, corpus.left_out)) == [
        "files labelled '3', outside the vocabulary (1)",
        "files not named as SPEAKER/DIGIT_SPEAKER_TAKE (2)",
        "files of speaker 61, none of AudioMNIST's 60 (1)",
    ]
    assert corpus.notice == "AudioMNIST is incomplete: 57 of its 60 speakers are missing."
    assert "first published fold" in corpus.hints[0]


def test_the_published_fold_divides_the_sixty() -> None:
    assert TEST_SPEAKERS < SPEAKERS and (len(TEST_SPEAKERS), len(SPEAKERS)) == (12, 60)


def test_no_audiomnist_is_said(tmp_path: Path) -> None:
    put(tmp_path / "7" / "a.wav")
    with pytest.raises(BenchError, match=r"no AudioMNIST here; expected 01/7_01_0\.wav"):
        open_corpus(f"audiomnist:{tmp_path}", DIGITS)

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bench.audio import write
from bench.config import Config
from bench.corpora import CORPORA, Corpus, LeftOut, Source, describe_sources, fsdd, open_corpus, open_for
from bench.corpora.collect import Wanted
from bench.corpora.fsdd import NoDataError
from bench.corpora.labels import Labels
from bench.corpora.synthetic import NOTICE
from bench.errors import BenchError
from tests.bench.corpora.test_hub import put_copy
from tests.conftest import tone

DIGITS = {"0": ["zero"], "1": ["one"], "2": ["two"], "7": ["seven"]}
VOCABULARY = {label: tuple(words) for label, words in DIGITS.items()}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fsd", "did you mean fsdd"),
        ("sintetic", "did you mean synthetic"),
        ("folders", "did you mean folder"),
        ("libri", "did you mean librispeech"),
        ("nothing like it", "known: fsdd, folder, speech_commands, audiomnist, librispeech, common_voice, synthetic"),
        ("fsdd:here", "no corpus named 'fsdd:here'"),
        ("", "known"),
    ],
)
def test_an_unknown_name_is_an_error_with_a_hint(name: str, hint: str, cache: Path) -> None:
    with pytest.raises(BenchError, match=hint):
        open_corpus(name, DIGITS, cache=cache)


def test_a_folder_is_given_either_way(tiny_corpus: Path, cache: Path) -> None:
    by_data = open_corpus("folder", DIGITS, tiny_corpus, cache=cache)
    by_name = open_corpus(f"folder:{tiny_corpus}", DIGITS, cache=cache)
    assert by_data.clips.equals(by_name.clips) and len(by_data.clips) == 36
    with pytest.raises(BenchError, match="needs to know where"):
        open_corpus("folder", DIGITS, cache=cache)


def test_the_root_is_absolute(tiny_corpus: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_corpus.parent)
    assert open_corpus(f"folder:{tiny_corpus.name}", DIGITS, cache=cache).root == tiny_corpus


def test_labels_outside_the_vocabulary_are_left_out_and_told(tmp_path: Path, cache: Path) -> None:
    for label in ("0", "ten"):
        (tmp_path / label).mkdir()
        write(tmp_path / label / "a.wav", tone(440), 8_000)
    corpus = open_corpus("folder", DIGITS, tmp_path, cache=cache)
    assert corpus.left_out == (LeftOut(1, "files labelled 'ten', outside the vocabulary"),)
    assert corpus.remarks == ("left out: files labelled 'ten', outside the vocabulary (1)",)
    with pytest.raises(BenchError, match="strict forbids to leave files out: files labelled 'ten'"):
        open_corpus("folder", DIGITS, tmp_path, cache=cache, strict=True)


def test_fsdd_without_a_digit_in_the_vocabulary_is_an_error_before_anything_is_fetched(cache: Path) -> None:
    with pytest.raises(BenchError, match=r"nothing of FSDD is in the vocabulary \(yes, no\)"):
        open_corpus("fsdd", {"yes": ["yes"], "no": ["no"]}, environ={}, cache=cache, fallback=True)


def test_a_part_of_fsdd_under_names_of_ones_own(recordings: Path, manifest: fsdd.Manifest, cache: Path) -> None:
    wanted = Wanted(Labels.of({"seven": ["seven", "7"], "yes": ["yes"]}))
    corpus = fsdd.open_fsdd(recordings, {}, cache, manifest, wanted=wanted)
    assert corpus.clips["label"].unique().tolist() == ["seven"] and len(corpus.clips) == 8
    assert corpus.left_out == (LeftOut(8, "files labelled '0', outside the vocabulary"),)
    assert not corpus.rejected and not corpus.notice


@pytest.mark.parametrize("name", ["fsdd", "synthetic", "audiomnist:here", "speech_commands:here"])
def test_a_pattern_is_for_ones_own_files(name: str, cache: Path) -> None:
    with pytest.raises(BenchError, match="is for"):
        open_corpus(name, DIGITS, cache=cache, pattern="{label}")
    with pytest.raises(BenchError, match="is for your own files"):
        open_for(Config(corpus=name, vocabulary=VOCABULARY, pattern="{label}"))


def test_pattern_and_strict_reach_every_corpus_of_a_run(tmp_path: Path, tiny_corpus: Path) -> None:
    write(tmp_path / "2_eve_1.wav", tone(440), 8_000)
    write(tmp_path / "ten_eve_1.wav", tone(440), 8_000)
    config = Config(
        train=f"folder:{tiny_corpus}", test=f"folder:{tmp_path}", vocabulary=VOCABULARY, pattern="{label}_{speaker}_{_}"
    )
    corpus = open_for(config)
    assert set(corpus.parts["test"].clips["speaker"]) == {"eve"} and len(corpus.parts["train"].clips) == 36
    assert corpus.left_out == (LeftOut(1, "test: files labelled 'ten', outside the vocabulary"),)
    with pytest.raises(BenchError, match="strict"):
        open_for(replace(config, strict=True))


def unobtainable(*_: object, **__: object) -> Corpus:
    raise NoDataError("FSDD is not here and cannot be downloaded: no route")


def test_synthetic_stands_in_only_when_allowed(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("espeakng_loader")
    monkeypatch.setattr(fsdd, "open_fsdd", unobtainable)
    with pytest.raises(NoDataError):
        open_corpus("fsdd", DIGITS, environ={}, cache=cache)
    corpus = open_corpus("fsdd", DIGITS, environ={}, cache=cache, fallback=True)
    assert corpus.name == "synthetic"
    assert corpus.notice.startswith(NOTICE) and "no route" in corpus.notice
    assert set(corpus.clips["label"]) == set(DIGITS)


def test_a_wrong_folder_is_never_replaced_by_synthetic(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(BenchError, match="no FSDD here"):
        open_corpus("fsdd", DIGITS, tmp_path, environ={}, cache=cache, fallback=True)


def test_every_corpus_has_a_line() -> None:
    assert set(CORPORA) == {
        *("fsdd", "folder", "speech_commands", "audiomnist", "librispeech", "common_voice", "synthetic")
    }
    assert all(line and "\n" not in line for line in CORPORA.values())


def test_sources_are_described(recordings: Path, tmp_path: Path, cache: Path) -> None:
    shutil.copytree(recordings, cache / "fsdd" / "recordings")
    (cache / "synthetic-0123").mkdir()
    write(cache / "synthetic-0123" / "a.wav", tone(440), 8_000)
    environ = {"DIGITBENCH_DATA": str(tmp_path / "gone"), "HF_HOME": str(tmp_path)}
    size = sum(path.stat().st_size for path in recordings.iterdir())
    assert describe_sources(environ=environ, cache=cache) == [
        Source("fsdd", "DIGITBENCH_DATA", tmp_path / "gone", found=False),
        Source("fsdd", "user cache", cache / "fsdd" / "recordings", True, 16, size),
        Source("fsdd", "Hugging Face cache", None, found=False),
        Source("synthetic", "user cache", cache / "synthetic-0123", True, 1, 44 + 2 * 2400),
    ]
    copy = put_copy(tmp_path / "copy", recordings)
    first, *_ = describe_sources(copy, cache=cache)
    assert (first.path, first.clips) == (copy, 16)

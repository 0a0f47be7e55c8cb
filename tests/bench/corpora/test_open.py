from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from bench.audio import write
from bench.corpora import CORPORA, Corpus, Source, check_labels, describe_sources, fsdd, open_corpus
from bench.corpora.fsdd import NoDataError
from bench.corpora.synthetic import NOTICE
from bench.errors import BenchError
from tests.bench.corpora.test_hub import put_copy
from tests.conftest import tone

DIGITS = {"0": ["zero"], "1": ["one"], "2": ["two"], "7": ["seven"]}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("fsd", "did you mean fsdd"),
        ("sintetic", "did you mean synthetic"),
        ("folders", "did you mean folder"),
        ("librispeech", "known: fsdd, folder, synthetic"),
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


def test_a_label_outside_the_vocabulary_is_named_with_its_clip(tmp_path: Path, cache: Path) -> None:
    for label in ("0", "ten"):
        (tmp_path / label).mkdir()
        write(tmp_path / label / "a.wav", tone(440), 8_000)
    with pytest.raises(BenchError, match=r"ten/a\.wav: unknown label 'ten' \(1 such clips\); .* 0, 1, 2, 7"):
        open_corpus("folder", DIGITS, tmp_path, cache=cache)


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
    check_labels(corpus, DIGITS)


def test_a_wrong_folder_is_never_replaced_by_synthetic(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(BenchError, match="no FSDD here"):
        open_corpus("fsdd", DIGITS, tmp_path, environ={}, cache=cache, fallback=True)


def test_every_corpus_has_a_line() -> None:
    assert set(CORPORA) == {"fsdd", "folder", "synthetic"}
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

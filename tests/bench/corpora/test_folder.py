from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.audio import write
from bench.corpora.folder import open_folder, read_listing
from bench.errors import BenchError
from tests.conftest import tone


def put(path: Path, rate: int = 8_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(440, rate=rate), rate)
    return path


def test_a_folder_per_label(tmp_path: Path) -> None:
    for name in ("yes/a.wav", "yes/deep/b.flac", "no/a.ogg", "no/c.mp3", "no/D.WAV"):
        put(tmp_path / name, rate=16_000)
    (tmp_path / "yes" / "notes.txt").write_text("not a clip")
    put(tmp_path / "yes" / ".hidden.wav")
    put(tmp_path / ".trash" / "a.wav")
    corpus = open_folder(tmp_path)
    assert dict(zip(corpus.clips["clip"], corpus.clips["label"], strict=True)) == {
        "no/D": "no",
        "no/a": "no",
        "no/c": "no",
        "yes/a": "yes",
        "yes/deep/b": "yes",
    }
    assert corpus.clips[["speaker", "official"]].isna().all(axis=None)
    assert (corpus.root, corpus.rejected) == (tmp_path, ())


def test_bad_files_among_good_ones_are_rejected(tmp_path: Path) -> None:
    put(tmp_path / "yes" / "a.wav")
    put(tmp_path / "stray.wav")
    (tmp_path / "yes" / "dir.wav").mkdir()
    (tmp_path / "yes" / "empty.wav").touch()
    corpus = open_folder(tmp_path)
    assert corpus.clips["clip"].tolist() == ["yes/a"]
    assert {row.path for row in corpus.rejected} == {"stray.wav", "yes/dir.wav", "yes/empty.wav"}


def test_audio_without_labels_is_an_error(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    with pytest.raises(BenchError, match="folder named after its label"):
        open_folder(tmp_path)


@pytest.mark.parametrize("what", ["missing", "empty", "hidden only"])
def test_a_folder_without_clips_is_an_error(tmp_path: Path, what: str) -> None:
    if what == "hidden only":
        put(tmp_path / "yes" / ".a.wav")
    folder = tmp_path / "gone" if what == "missing" else tmp_path
    with pytest.raises(BenchError, match=str(folder)):
        open_folder(folder)


def test_a_listing_gives_labels_speakers_and_split(tiny_corpus: Path) -> None:
    by_file, by_folder = open_folder(tiny_corpus / "clips.csv"), open_folder(tiny_corpus)
    assert by_file.clips.equals(by_folder.clips)
    assert len(by_file.clips) == 36
    row = by_file.clips.set_index("clip").loc["2_bob_1"]
    assert (row["label"], row["speaker"], row["official"]) == ("2", "bob", "test")


def test_the_only_listing_is_found_under_any_name(tmp_path: Path) -> None:
    put(tmp_path / "one" / "a.wav")
    (tmp_path / "mine.csv").write_text("\ufeffpath,label,room\none/a.wav,1,kitchen\n", encoding="utf-8")
    clips = open_folder(tmp_path).clips
    assert clips["label"].tolist() == ["1"] and clips["speaker"].isna().all()
    (tmp_path / "other.csv").write_text("anything\n")
    assert open_folder(tmp_path).clips["label"].tolist() == ["one"]


def test_listed_files_that_are_missing_are_rejected(tmp_path: Path) -> None:
    put(tmp_path / "a.wav")
    (tmp_path / "clips.csv").write_text("path,label\na.wav,1\ngone.wav,1\n")
    corpus = open_folder(tmp_path)
    assert [(row.path, row.reason) for row in corpus.rejected] == [("gone.wav", "no such file")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns path,label"),
        ("file,digit\na.wav,1\n", "path and label missing, found file,digit"),
        ("path,speaker\na.wav,ann\n", "label missing"),
        ("path,label\n", "lists no clips"),
        ("path,label\na.wav,\n", "line 2: no label"),
        ("path,label\na.wav,1\n,1\n", "line 3: no path"),
        ("path,label\na.wav\n", "line 2: no label"),
        ("path,label,split\na.wav,1,dev\n", "split must be train, test or empty, not 'dev'"),
        ("path,label\na.wav,1\na.wav,2\n", r"a\.wav is listed twice"),
    ],
)
def test_a_bad_listing_is_an_error_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(text)
    write(tmp_path / "a.wav", tone(440), 8_000)
    with pytest.raises(BenchError, match=message) as error:
        open_folder(path)
    assert str(tmp_path) in str(error.value)


def test_audio_given_as_a_listing_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(440), 8_000)
    with pytest.raises(BenchError, match="CSV"):
        open_folder(tmp_path / "a.wav")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.sampled_from("path,label\n\"'\r;\0é a.wav"), max_size=80))
def test_any_text_is_a_listing_or_a_bench_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("path,label\n" + text, encoding="utf-8")
    try:
        entries = list(read_listing(path))
    except BenchError:
        return
    assert all(entry.path and entry.label for entry in entries)

"""Corpora of sentences in the layouts that their makers publish."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.audio import write
from bench.config import Config
from bench.configfile import read_config
from bench.corpora import Corpus, open_for
from bench.corpora.parquet import explained, fetched
from bench.corpora.transcripts import sex_of
from bench.errors import BenchError
from bench.runfile import _part
from tests.conftest import tone

UTTERANCES = {"237-1-0000": "ONE TWO", "237-1-0001": "IT'S THREE", "84-5-0000": "FOUR FIVE SIX"}
SENTENCES = {"common_voice_en_1": 'He said "no".', "common_voice_en_2": "", "common_voice_en_3": "Yes, indeed."}


@pytest.fixture
def libri(tmp_path: Path) -> Path:
    """Two speakers of test-clean, as the archive unpacks."""
    root = tmp_path / "LibriSpeech"
    for utterance, text in UTTERANCES.items():
        speaker, chapter, _ = utterance.split("-")
        folder = root / "test-clean" / speaker / chapter
        folder.mkdir(parents=True, exist_ok=True)
        sound(folder / f"{utterance}.flac")
        with (folder / f"{speaker}-{chapter}.trans.txt").open("a") as file:
            file.write(f"{utterance} {text}\n")
    (root / "SPEAKERS.TXT").write_text(
        "; comment\n237  | F | test-clean | 8.0 | Some | One\n84   | M | dev-clean | 8 | X\n"
    )
    return root


@pytest.fixture
def voices(tmp_path: Path) -> Path:
    """A release of one language: three clips, lists of which one is of test."""
    root = tmp_path / "cv-corpus-17.0" / "en"
    (root / "clips").mkdir(parents=True)
    for name in SENTENCES:
        sound(root / "clips" / f"{name}.mp3")
    tsv(root / "validated.tsv", list(SENTENCES))
    tsv(root / "test.tsv", ["common_voice_en_3"])
    tsv(root / "dev.tsv", ["common_voice_en_1"])
    return root


def sound(path: Path) -> None:
    """A tone of its own; what is inside decides how it is read, not the ending."""
    write(path, tone(300 + len(str(path.name)) + sum(map(ord, path.name)) % 97, 0.1), 16_000)


def tsv(path: Path, names: Sequence[str]) -> None:
    lines = ["client_id\tpath\tsentence\tup_votes\tgender\tlocale"]
    lines += [f"me{name[-1]}\t{name}.mp3\t{SENTENCES[name]}\t2\tfemale_feminine\ten" for name in names]
    path.write_text("\n".join(lines) + "\n")


def asked(corpus: str, **settings: object) -> Config:
    return read_config(None, {"task": "transcription", "corpus": corpus, **settings})


def said(corpus: Corpus) -> dict[str, str]:
    return dict(zip(corpus.clips["clip"], corpus.clips["label"], strict=True))


@pytest.mark.parametrize("place", [lambda root: root, lambda root: root.parent, lambda root: root / "test-clean"])
def test_librispeech_as_it_unpacks(libri: Path, place: Callable[[Path], Path]) -> None:
    corpus = open_for(asked(f"librispeech:{place(libri)}"))
    assert set(said(corpus).values()) == set(UTTERANCES.values()) and not corpus.remarks
    assert dict(zip(corpus.clips["speaker"], corpus.clips["sex"], strict=True)) == {"237": "F", "84": "M"}
    assert set(corpus.clips["part"]) == {"test"}


def test_librispeech_by_its_own_division(libri: Path) -> None:
    (libri.parent / "transcription_parts.csv").write_text(
        "corpus,id,part\nlibrispeech,237-1-0000,dev\nlibrispeech,84-5-0000,test\ncommon_voice,84-5-0000,dev\n"
    )
    assert list(said(open_for(asked(f"librispeech:{libri}", part="dev"))).values()) == ["ONE TWO"]
    test = open_for(asked(f"librispeech:{libri}", part="test"))
    assert len(test.clips) == 2 and [str(each) for each in test.left_out] == ["clips of part dev (1)"]
    with pytest.raises(BenchError, match=r"no file is left: clips of part test \(2\), clips of part dev \(1\)"):
        open_for(asked(f"librispeech:{libri}", part="none"))


def test_a_corpus_without_parts_is_heard_whole(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("path,text\na.wav,one two\nb.wav,three\n")
    for name in "ab":
        sound(tmp_path / f"{name}.wav")
    whole = open_for(asked(f"folder:{tmp_path}", part="test"))
    assert set(said(whole).values()) == {"one two", "three"}
    assert whole.remarks == ("note: no clip is of a part, so all are heard, not test alone",)
    assert not open_for(asked(f"folder:{tmp_path}")).remarks
    (tmp_path / "clips.csv").write_text("path,text,part\na.wav,one two,test\nb.wav,three,\n")
    corpus = open_for(asked(f"folder:{tmp_path}", part="test"))
    assert "note" not in str(corpus.remarks)
    assert list(said(corpus).values()) == ["one two"]
    assert [str(each) for each in corpus.left_out] == ["clips of no part (1)"]


def test_what_is_missing_or_unfinished_is_named(libri: Path) -> None:
    folder = libri / "test-clean" / "237" / "1"
    (folder / "237-1-0001.flac").unlink()
    (folder / "237-1-0002.flac.part").write_bytes(b"half")
    sound(folder / "237-1-0009.flac")
    with (folder / "237-1.trans.txt").open("a") as file:
        file.write("237-1-0003\n")
    sound(folder / "237-1-0003.flac")
    corpus = open_for(asked(f"librispeech:{libri}"))
    assert len(corpus.clips) == 2
    reasons = {each.path: each.reason for each in corpus.rejected}
    assert "no such file: an interrupted download" in reasons["test-clean/237/1/237-1-0001.flac"]
    assert reasons["237-1-0002.flac.part"] == "an interrupted download: fetch it again"
    assert "no transcript" in reasons["test-clean/237/1/237-1-0009.flac"]
    assert "237-1-0003.flac: its reference is empty" in str(corpus.left_out[0])


def test_transcripts_beside_the_recordings(tmp_path: Path) -> None:
    with (tmp_path / "transcripts.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("path", "utt_id", "speaker", "sex", "text"))
        for utterance, text in UTTERANCES.items():
            sound(tmp_path / f"{utterance}.flac")
            out.writerow((f"{utterance}.flac", utterance, utterance[:2], "m", text))
    corpus = open_for(asked(f"librispeech:{tmp_path}"))
    assert said(corpus) == UTTERANCES and set(corpus.clips["sex"]) == {"M"} and corpus.clips["part"].isna().all()


@pytest.mark.parametrize("up", [0, 1, 2])
def test_common_voice_as_it_unpacks(voices: Path, up: int) -> None:
    corpus = open_for(asked(f"common_voice:{[voices, voices.parent, voices.parent.parent][up]}"))
    assert said(corpus) == {f"clips/{name}": text for name, text in SENTENCES.items() if text}
    assert corpus.clips["speaker"].tolist() == ["me1", "me3"] and set(corpus.clips["sex"]) == {"F"}
    assert corpus.clips["part"].tolist() == ["dev", "test"]
    assert str(corpus.left_out[0]).startswith("clips/common_voice_en_2.mp3: its reference is empty")


def test_a_part_of_common_voice_is_its_list(voices: Path) -> None:
    assert list(said(open_for(asked(f"common_voice:{voices}", part="test"))).values()) == ["Yes, indeed."]
    with pytest.raises(BenchError, match=r"no train.tsv, so there is no part 'train'; there are validated, test, dev"):
        open_for(asked(f"common_voice:{voices}", part="train"))


def test_a_torn_list_is_named(voices: Path) -> None:
    with (voices / "validated.tsv").open("a") as file:
        file.write("me9\tcommon_voi")
    with pytest.raises(BenchError, match=r"validated.tsv, line 5: 2 cells where the first line has 6; cut short"):
        open_for(asked(f"common_voice:{voices}"))


@pytest.mark.parametrize("name", ["librispeech", "common_voice"])
def test_an_archive_is_to_be_unpacked(name: str, tmp_path: Path) -> None:
    (tmp_path / "it.tar.gz").write_bytes(b"")
    with pytest.raises(BenchError, match=r"here; expected .*; unpack it.tar.gz first"):
        open_for(asked(f"{name}:{tmp_path}"))


def test_a_place_must_be_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITBENCH_DATA", raising=False)
    with pytest.raises(BenchError, match=r"'librispeech' needs to know where: --data PATH, librispeech:PATH, DIGIT"):
        open_for(asked("librispeech"))


def test_the_folder_of_the_environment(libri: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    libri.rename(libri.parent / "librispeech_mine")
    monkeypatch.setenv("DIGITBENCH_DATA", str(libri.parent))
    corpus = open_for(asked("librispeech:mine"))
    assert corpus.name == "librispeech_mine" and len(corpus.clips) == 3


def hub_copy(folder: Path, columns: dict[str, list[object]], libri: Path) -> Path:
    """Parquet as the hub has it, the bytes of sound files embedded."""
    files = sorted(libri.rglob("*.flac"))
    audio = [{"bytes": path.read_bytes(), "path": path.name} for path in files]
    (folder / "clean").mkdir(parents=True)
    pq.write_table(pa.table({"audio": audio, **columns}), folder / "clean" / "test-00000-of-00001.parquet")
    return folder


@pytest.fixture
def copied(libri: Path, tmp_path: Path) -> Path:
    columns: dict[str, list[object]] = {
        "text": list(UTTERANCES.values()), "speaker_id": [237, 237, 84], "id": list(UTTERANCES),
    }  # fmt: skip
    return hub_copy(tmp_path / "copy", columns, libri)


def test_parquet_of_the_hub(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    corpus = open_for(asked(f"librispeech:{copied}", part="test"))
    assert {clip.removeprefix("clips/"): text for clip, text in said(corpus).items()} == UTTERANCES
    assert set(corpus.clips["speaker"]) == {"237", "84"} and "1 Parquet files" in corpus.source
    again = open_for(asked(f"librispeech:{copied}"))
    assert again.root == corpus.root and again.clips.equals(corpus.clips)


def test_parquet_with_other_columns_is_named(libri: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy = hub_copy(tmp_path / "copy", {"words": ["a", "b", "c"]}, libri)
    with pytest.raises(
        BenchError, match=r"needs the columns audio and text or sentence or transcript, has audio, words"
    ):
        open_for(asked(f"common_voice:{copy}"))


def test_a_copy_is_streamed(copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    real, asked_for = datasets.load_dataset, []

    def load(name: str, config: str | None, **given: object) -> object:
        asked_for.append((name, config, given))
        return real(
            "parquet", data_files=[str(path) for path in copied.rglob("*.parquet")], split="train", streaming=True
        )

    monkeypatch.setattr(datasets, "load_dataset", load)
    folder = fetched("openslr/librispeech_asr/clean/test", tmp_path / "cache")
    assert asked_for == [("openslr/librispeech_asr", "clean", {"split": "test", "streaming": True})]
    assert fetched("openslr/librispeech_asr/clean/test", tmp_path / "cache") == folder and len(asked_for) == 1
    rows = list(csv.DictReader((folder / "transcripts.csv").open()))
    assert [row["text"] for row in rows] == list(UTTERANCES.values()) and rows[0]["part"] == "test"


def test_a_copy_that_is_a_script_gets_a_clear_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")

    def load(*_: object, **__: object) -> object:
        raise RuntimeError("Dataset scripts are no longer supported, but found common_voice_17_0.py")

    monkeypatch.setattr(datasets, "load_dataset", load)
    with pytest.raises(BenchError, match=r"hub:a/b: a data set that is a script, which `datasets` runs no more"):
        fetched("a/b", tmp_path)
    assert "is there a connection" in explained(OSError("no route"))
    with pytest.raises(BenchError, match="OWNER/NAME"):
        fetched("nothing", tmp_path)


def test_what_datasets_itself_says_of_a_script(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    (tmp_path / "voice").mkdir()
    (tmp_path / "voice" / "voice.py").write_text("raise SystemExit")
    with pytest.raises(Exception) as caught:
        datasets.load_dataset(str(tmp_path / "voice"), streaming=True, split="test")
    assert "a data set that is a script" in explained(caught.value)


def test_corpora_are_joined(libri: Path, voices: Path) -> None:
    corpus = open_for(asked(f"librispeech:{libri}+common_voice:{voices}"))
    assert corpus.name == "librispeech+common_voice" and len(corpus.clips) == 5
    assert set(corpus.clips["clip"].str.partition("/")[0]) == {"librispeech", "common_voice"}
    assert "librispeech/237" in set(corpus.clips["speaker"])
    assert corpus.clips["clip"].is_monotonic_increasing
    table = corpus.clips.rename(columns={"label": "reference"})
    assert _part(corpus.parts["librispeech"], "librispeech", table)["clips"] == 3
    with pytest.raises(BenchError, match="a corpus is named twice"):
        open_for(asked(f"librispeech:{libri}+librispeech:{libri}"))


def test_a_folder_with_a_column_of_texts(tmp_path: Path) -> None:
    for name in "abc":
        sound(tmp_path / f"{name}.wav")
    (tmp_path / "clips.csv").write_text(
        "path,text,speaker,gender\na.wav,Hello there,x,female\nb.wav,,x,\nc.wav,...,y,male\n"
    )
    corpus = open_for(asked(f"folder:{tmp_path}"))
    assert said(corpus) == {"a": "Hello there"} and corpus.clips["sex"].tolist() == ["F"]
    told = [str(each) for each in corpus.left_out]
    assert (
        len(told) == 2 and "b.wav: its reference is empty" in told[0] and "c.wav: its reference has no word" in told[1]
    )


@pytest.mark.parametrize(("word", "sex"), [("F", "F"), (" male ", "M"), ("other", None), ("", None), (None, None)])
def test_sexes_by_the_words_of_corpora(word: str | None, sex: str | None) -> None:
    assert sex_of(word) == sex

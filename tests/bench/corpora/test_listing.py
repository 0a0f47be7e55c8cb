from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.audio import write
from bench.corpora.folder import open_folder
from bench.corpora.listing import open_listing, read_listing
from bench.corpora.scan import Entry
from bench.errors import BenchError
from tests.conftest import tone

ONE = Entry("a/b.wav", "7", "ann", "test")
PLAIN = "path,label,speaker,split\na/b.wav,7,ann,test\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " , "),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "\ufeff" + PLAIN,
        "sep=;\r\n" + PLAIN.replace(",", ";"),
        "SEP=,\n" + PLAIN,
        PLAIN + "\n,,,\n   \n , \n",
        PLAIN + ",,,,,,\n",
        PLAIN.replace("\n", "\n\n"),
        PLAIN.rstrip("\n"),
        PLAIN.replace("path", " Path ").replace("label", "LABEL"),
        PLAIN.replace("path", "File Name").replace("speaker", "Speaker-ID").replace("split", "Subset"),
        PLAIN.replace("path", "filename").replace("speaker", "client_id"),
        PLAIN.replace("path", "file").replace("label", "word").replace("speaker", "spk"),
        PLAIN.replace("path", "audio").replace("label", "digit").replace("speaker", "speakerid"),
        'path,"label", "speaker",split\n"a/b.wav","7", "ann",test\n',
        PLAIN.replace("a/b.wav", r"a\b.wav"),
        PLAIN.replace("a/b.wav", r".\a\b.wav"),
        PLAIN.replace("a/b.wav", "./a//b.wav"),
        PLAIN.replace(",test", ",TEST "),
        PLAIN.replace(",test", ",testing"),
        "id,path,label,speaker,split,speaker_age,accent\n1,a/b.wav,7,ann,test,33,f\n",
        "label,path,word,file,speaker,split\n7,a/b.wav,seven,other.wav,ann,test\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_what_has_one_meaning_is_understood(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "clips.csv"
    bom = "\ufeff" if encoding == "utf-16-be" and not text.startswith("\ufeff") else ""
    path.write_bytes((bom + text).encode(encoding))
    listing = open_listing(path)
    assert list(read_listing(path)) == [ONE] and not listing.hints


@pytest.mark.parametrize(
    ("split", "official"),
    [
        *((name, "train") for name in ("train", "Training", "dev", "validation", "VALID", "val")),
        ("test", "test"),
        ("", None),
    ],
)
def test_what_is_validated_on_is_no_test(tmp_path: Path, split: str, official: str | None) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(f"path,label,split\na.wav,1,{split}\n")
    assert [entry.official for entry in read_listing(path)] == [official]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns path,label"),
        ("foo,digit\na.wav,1\n", "path missing, found foo,digit .path may be called file"),
        ("file,transcript\na.wav,1\n", "label missing, found file,transcript"),
        ("a.wav,7\nb.wav,8\n", "path and label missing, found a.wav,7"),
        ("path,speaker\na.wav,ann\n", "label missing"),
        ("path,label\n", "lists no clips"),
        ("path,label\n,\n\n", "lists no clips"),
        ("path,label\na.wav,\n", "line 2: no label"),
        ("path,label\na.wav,1\n,1\n", "line 3: no path"),
        ("path,label\na.wav\n", "line 2: no label"),
        ("path;label\na.wav,1\n", "line 2: no label"),
        ("sep=;\npath;label\na.wav\n", "line 3: no label"),
        ("path,label,split\na.wav,1,eval\n", "split must be train, test or empty, not 'eval'"),
        ("path,label\na.wav,1\nb.wav,1\na.wav,2\n", r"line 4: a\.wav is listed twice, first in line 2"),
        ("path,label\na.wav,1\n.\\a.wav,1\n", r"line 3: a\.wav is listed twice"),
        ("path,label\nx, y.wav,1\n", "line 2: 3 cells, but the header names 2; .* holds commas is written in double"),
        ("path;label\nx;y.wav;1\n", "holds semicolons"),
        ('path,label\n"a.wav" ,1\n', "line 2: cannot be read as CSV"),
        ('path,label\na.wav,1\n"b.wav,1\nc.wav,1\n', "line 4: cannot be read as CSV"),
        ("file,filename,label\na.wav,b.wav,1\n", "the columns 'file' and 'filename' all seem to be the path"),
        ("path,path,label\na.wav,b.wav,1\n", "'path' and 'path' all seem to be the path; call one of them path"),
        ("path,label,speaker_id,client_id\na.wav,1,x,y\n", "'speaker_id' and 'client_id' all seem to be the speaker"),
        ("path,label,Speaker,speaker \na.wav,1,x,y\n", "all seem to be the speaker"),
        ("path,label,voice\na.wav,1,x\n", "the column 'voice' seems to name the speaker and is not understood"),
        ("path,label,Participant No.\na.wav,1,x\n", "'Participant No.' seems to name the speaker"),
        ("path,label,speaker_hash,gender\na.wav,1,x,f\n", "'speaker_hash' seems to name the speaker"),
    ],
)
def test_a_bad_listing_is_an_error_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_text(text)
    write(tmp_path / "a.wav", tone(440), 8_000)
    with pytest.raises(BenchError, match=message) as error:
        open_folder(path)
    assert str(tmp_path) in str(error.value)


def test_a_second_column_of_people_is_told(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("path,label,speaker,client_id,age\na.wav,1,ann,c0ffee,33\n")
    write(tmp_path / "a.wav", tone(440), 8_000)
    corpus = open_folder(path)
    assert corpus.clips["speaker"].tolist() == ["ann"]
    assert corpus.hints == ("clips.csv: speakers are taken from 'speaker', not 'client_id'",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("path,label\na.wav,1\nb.wav,caf\xe9\n".encode("latin-1"), "line 3: not UTF-8; save the CSV as UTF-8"),
        ("path,label\na.wav,1\n".encode("utf-16-le"), "path and label missing"),
        (b"\xff\xfep\0a", "columns path,label"),
    ],
)
def test_other_encodings_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes(content)
    with pytest.raises(BenchError, match=message):
        open_folder(path)


def test_a_name_that_holds_a_backslash_is_that_file(tmp_path: Path) -> None:
    write(tmp_path / r"a\b.wav", tone(440), 8_000)
    (tmp_path / "clips.csv").write_text("path,label\na\\b.wav,1\n")
    assert open_folder(tmp_path).clips["path"].tolist() == [r"a\b.wav"]


def test_audio_given_as_a_listing_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", tone(440), 8_000)
    with pytest.raises(BenchError, match="an audio file, not a CSV of clips; name the folder"):
        open_folder(tmp_path / "a.wav")


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "clips.csv")
    with pytest.raises(BenchError, match="no CSV file"):
        open_folder(tmp_path / "clips.csv")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.sampled_from("path,label;\t\n\"'\r\\;\0é a.wav"), max_size=80), st.sampled_from(["utf-8", "utf-16"]))
def test_any_text_is_a_listing_or_a_bench_error(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes(("path,label\n" + text).encode(encoding))
    try:
        entries = list(read_listing(path))
    except BenchError:
        return
    assert all(entry.path and entry.label for entry in entries)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_listing_or_a_bench_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "clips.csv"
    path.write_bytes(content)
    with pytest.raises(BenchError):
        list(read_listing(path))

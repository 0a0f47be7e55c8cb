from __future__ import annotations

import os
from pathlib import Path

import pytest
import soundfile

from bench.corpora.base import LeftOut, Rejected
from bench.corpora.folder import open_folder
from bench.corpora.walk import walk
from tests.conftest import tone

LINK = LeftOut(1, "links to folders that are read already, or hold this one")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        soundfile.write(file, tone(440), 8_000, format="WAV")
    return path


def test_sound_is_found_by_name_or_content(tmp_path: Path) -> None:
    put(tmp_path / "a" / "sound")
    put(tmp_path / "a" / "sound.txt")
    put(tmp_path / "a" / ".hidden.wav")
    put(tmp_path / ".hidden" / "a.wav")
    for name in ("x.m4a", "x.WEBM", "README", "list.csv"):
        (tmp_path / name).write_text("nothing")
    (tmp_path / "notes").write_text("a few words", encoding="utf-16")
    (tmp_path / "dir.wav").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "broken").symlink_to(tmp_path / "gone")
    assert sorted(map(str, walk(tmp_path))) == ["a/sound", "a/sound.txt", "dir.wav", "x.WEBM", "x.m4a"]


def test_links_are_followed_once_and_never_in_circles(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    put(root / "7" / "a.wav")
    put(elsewhere / "b.wav")
    (elsewhere / "back").symlink_to(root)
    (elsewhere / "self").symlink_to(elsewhere)
    (root / "8").symlink_to(elsewhere)
    (root / "9").symlink_to(elsewhere)
    (root / "7" / "up").symlink_to(root)
    (root / "7" / "out").symlink_to(tmp_path)
    (root / "itself").symlink_to(root / "itself")
    found = list(walk(root))
    assert [each for each in found if isinstance(each, str)] == ["7/a.wav", "8/b.wav"]
    assert [each for each in found if not isinstance(each, str)] == [LINK] * 5
    assert open_folder(root).left_out == (LeftOut(5, LINK.what),)


def test_a_folder_that_cannot_be_opened_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "7" / "a.wav")
    (tmp_path / "8").mkdir()
    scandir = os.scandir

    def refuse(folder: Path) -> object:
        if Path(folder).name == "8":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    corpus = open_folder(tmp_path)
    assert corpus.rejected == (Rejected("8", "a folder that cannot be opened (Permission denied)"),)
    assert len(corpus.clips) == 1


def test_names_that_are_no_text_are_rejected_or_told(tmp_path: Path) -> None:
    put(tmp_path / "7" / "a.wav")
    put(tmp_path / "7" / os.fsdecode(b"\xff.wav"))
    put(tmp_path / os.fsdecode(b"\xfe") / "a.wav")
    put(tmp_path / "7" / "\x1b[2J.wav")
    corpus = open_folder(tmp_path)
    assert corpus.clips["clip"].tolist() == ["7/a"]
    assert {each.reason for each in corpus.rejected} == {"its name is not printable UTF-8"}
    assert len(corpus.rejected) == 3

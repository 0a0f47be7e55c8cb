from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from bench.audio import fingerprint, read, write
from bench.corpora import scan as module
from bench.corpora.base import COLUMNS
from bench.corpora.scan import Entry, scan
from bench.errors import BenchError
from tests.conftest import tone


def filled(folder: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        write(folder / name, tone(300 + number), 8_000)
    return folder


def test_every_clip_is_described(tmp_path: Path) -> None:
    filled(tmp_path, "b.wav", "a.wav")
    clips, rejected = scan(tmp_path, [Entry("b.wav", "1", "ann", "test"), Entry("a.wav", "0")], 2)
    assert tuple(clips.columns) == COLUMNS and not rejected
    assert clips["clip"].tolist() == ["a", "b"]
    audio, rate = read(tmp_path / "b.wav")
    assert clips.iloc[1][:8].tolist() == ["b", "b.wav", "1", "ann", rate, len(audio), fingerprint(audio, rate), "test"]
    assert clips.iloc[0][["speaker", "official", "sex", "part"]].isna().all()


def test_unusable_files_are_rejected_and_the_scan_goes_on(tmp_path: Path) -> None:
    filled(tmp_path, "good.wav")
    (tmp_path / "dir.wav").mkdir()
    (tmp_path / "text.wav").write_text("no audio")
    write(tmp_path / "cut.wav", tone(440), 8_000)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:-100])
    names = ["cut.wav", "dir.wav", "good.wav", "gone.wav", "odd\udcff.wav", "text.wav"]
    clips, rejected = scan(tmp_path, [Entry(name, "0") for name in names], 6)
    assert clips["clip"].tolist() == ["good"]
    reasons = {row.path: row.reason for row in rejected}
    assert set(reasons) == set(names) - {"good.wav"}
    assert reasons["cut.wav"] == "truncated, 100 bytes of its samples are missing"
    assert reasons["dir.wav"] == "a directory, not an audio file"


def test_same_name_with_two_endings_keeps_ids_unique(tmp_path: Path) -> None:
    filled(tmp_path, "a.wav", "b.wav")
    (tmp_path / "a.flac").write_bytes((tmp_path / "b.wav").read_bytes())
    clips, _ = scan(tmp_path, [Entry(name, "0") for name in ("a.wav", "a.flac", "b.wav")], 3)
    assert clips["clip"].tolist() == ["a.flac", "a.wav", "b"]


def test_nothing_usable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no audio files"):
        scan(tmp_path, [], 0)
    with pytest.raises(BenchError, match=r"all 2 files are rejected; the first, x\.wav: no such file"):
        scan(tmp_path, [Entry("x.wav", "0"), Entry("y.wav", "0")], 2)


def test_progress_hears_of_every_file(tmp_path: Path) -> None:
    filled(tmp_path, "a.wav")
    heard: list[tuple[int, int]] = []
    scan(tmp_path, [Entry("a.wav", "0"), Entry("gone.wav", "0")], 2, lambda done, total: heard.append((done, total)))
    assert heard == [(1, 2), (2, 2)]


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_chunks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    names = [f"{number}.wav" for number in range(6)]
    filled(tmp_path, *names)
    entries = [Entry(name, "0") for name in reversed(names)]
    expected, _ = scan(tmp_path, entries, 6)
    monkeypatch.setattr(module, "_CHUNK", chunk)
    clips, _ = scan(tmp_path, entries, 6)
    assert clips.equals(expected) and len(clips) == 6


def test_memory_does_not_grow_with_the_audio(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        entries = [Entry(f"{number}.wav", "0") for number in range(count)]
        tracemalloc.start()
        scan(tmp_path, entries, count)
        _, highest = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return highest

    for number in range(12):
        write(tmp_path / f"{number}.wav", np.zeros(250_000, np.float32), 8_000)
    assert peak(12) < 1.5 * peak(2)

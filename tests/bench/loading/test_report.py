from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.loading.report import write_report
from bench.loading.runs import INFO, TABLES, WORK, Asked, read
from tests.bench.loading import made
from tests.bench.loading.test_claims import emotion


def saved(folder: Path) -> Path:
    run = made.run()
    for name in TABLES:
        getattr(run, name).to_parquet(folder / f"{name}.parquet")
    (folder / INFO).write_text(json.dumps(dict(run.info)))
    return folder


def test_it_is_made_of_the_files_alone_and_the_same_again(tmp_path: Path) -> None:
    saved(tmp_path)
    written = write_report(read(tmp_path), tmp_path, 5000, 2.5)
    first = {path.name: path.read_bytes() for path in (written, *sorted((tmp_path / "plots").iterdir()))}
    write_report(read(tmp_path), tmp_path, 5000, 2.5)
    assert first == {path.name: path.read_bytes() for path in (written, *sorted((tmp_path / "plots").iterdir()))}
    assert set(first) == {"report.md", "whole.png", "cold.png", "many.png"}
    text = written.read_text()
    assert "| as told, 6 s a file" in text
    assert "duration, against librosa.load" in text
    assert "5,000 files at $2.5 an hour" in text
    assert "2.25 (4.00, 4.00-4.00)" in text  # audiodecode
    assert "no module named av" in text
    assert "cannot ¦ be read" in text  # nobody's words break a table
    assert "60 % of it, silently" in text
    assert "not measured: make loaders" in text


def test_the_comparison_of_the_pipeline_beside_it_is_told(tmp_path: Path) -> None:
    (saved(tmp_path) / "emotion").mkdir()
    for name, table in zip(("rounds", "stages"), emotion(), strict=True):
        table.to_csv(tmp_path / "emotion" / f"{name}.csv", index=False)
    text = write_report(read(tmp_path), tmp_path, 100, 1.0).read_text()
    assert "computing nothing twice makes it 5.00 times" in text
    assert "emotion features, exact, 1 process" in text


def test_a_folder_without_a_run_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"samples\.parquet: no such file, .* no finished run of loaders"):
        read(tmp_path)
    (tmp_path / WORK).mkdir()
    with pytest.raises(BenchError, match="the command that began it goes on"):
        read(tmp_path)
    saved(tmp_path)
    (tmp_path / "bad.parquet").write_bytes(b"nothing")
    with pytest.raises(BenchError, match="cannot be read as a run of loaders"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("files", "dollars", "words"),
    [(0, 1.0, "--files 0"), (1, -1.0, "--cost-per-hour -1"), (1, float("nan"), "--cost-per-hour nan")],
)
def test_a_bill_for_nothing_is_refused(files: int, dollars: float, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        Asked(files, dollars)

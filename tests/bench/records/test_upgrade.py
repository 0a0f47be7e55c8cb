"""A run of schema 1, kept beside this file: three labels, two speakers, a backend that wrote texts and one trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from bench.compare import compare
from bench.errors import BenchError
from bench.marks import open_run
from bench.publish import write_report
from bench.records.read import read_records
from bench.records.schema import CLIPS, PREDICTIONS, SCHEMA, SPLITS
from bench.verify import verify

KEPT = Path(__file__).parent / "schema1"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy."""
    return shutil.copytree(KEPT, tmp_path / "run")


def test_it_has_the_frames_of_today(run: Path) -> None:
    records = read_records(run)
    assert list(records.clips) == CLIPS.names and len(records.clips) == 24
    assert list(records.splits) == SPLITS.names
    assert list(records.predictions) == PREDICTIONS.names and len(records.predictions) == 24 + 24 + 5 + 12


def test_a_column_per_split_becomes_rows(run: Path) -> None:
    old = pd.read_parquet(run / "clips.parquet").set_index("clip")
    parts = read_records(run).splits
    assert set(parts["split"]) == {"official", "mixed", "loso"}
    for split, rows in parts.groupby("split"):
        column = old[split][lambda named: named != "train"]
        said = rows.set_index("clip")
        in_test = said["part"] == "test"
        assert said["fold"].where(in_test, "validation").sort_index().equals(column.sort_index().astype(str))
        assert set(said[~in_test]["fold"]) <= {"test"}
    assert (parts["part"] == "validation").sum() == (old["mixed"] == "validation").sum() > 0


def test_labels_are_read_from_texts_by_the_rule_of_today(run: Path) -> None:
    teller = pq.read_table(run / "records/predictions/teller@Teller__clean.parquet").to_pandas().set_index("clip")
    assert set(teller[teller["text"] == "Two!"]["predicted"].isna()) == {True}  # the backend did not know its own word
    rows = open_run(run).predictions.set_index("clip")
    read = rows[rows["backend"] == "teller:Teller"]
    assert read["label"].isna().all()
    assert (read["predicted"] == read["reference"]).all() and read["errors"].sum() == 0


def test_labels_without_text_stay_what_was_said(run: Path) -> None:
    files = sorted((run / "records" / "predictions").glob("mfcc-svm*"))
    old = pd.concat(pd.read_parquet(file) for file in files).set_index(["split", "fold", "clip"]).sort_index()
    rows = open_run(run).predictions
    read = rows[rows["backend"] == "mfcc-svm"].set_index(["split", "fold", "clip"]).sort_index()
    assert read["predicted"].tolist() == read["label"].tolist() == old["predicted"].tolist()
    assert read["reference"].tolist() == old["label"].tolist()
    assert read["speaker"].tolist() == old["speaker"].tolist()
    assert [list(scores) for scores in read["scores"]] == [list(scores) for scores in old["scores"]]


def test_it_is_reported_and_then_verified(run: Path) -> None:
    before = verify(run)
    assert "records/examined.json is not in checksums.txt" in before  # that version did not sign it
    assert {"report.md is missing", "tables/accuracy.csv is missing"} < set(before)
    write_report(run)
    assert verify(run) == ["records/examined.json is not in checksums.txt"]
    accuracy = pd.read_csv(run / "tables" / "accuracy.csv").set_index(["split", "backend"])["right"]
    assert accuracy["loso", "mfcc-svm"] == 19 and accuracy["official", "mfcc-svm"] == 11
    assert accuracy["loso", "teller:Teller"] == 24
    assert "teller:Teller" in (run / "report.md").read_text()


def test_it_compares_with_itself(run: Path) -> None:
    found = compare(open_run(KEPT), open_run(run))
    assert found.exit_code == 0 and not found.reason
    assert len(found.accuracy) == 6 and set(found.accuracy["difference"]) == {0}


def test_records_that_were_changed_are_found(run: Path) -> None:
    file = run / "records" / "predictions" / "teller@Teller__clean.parquet"
    file.write_bytes((run / "records" / "predictions" / "mfcc-svm__clean__official__test.parquet").read_bytes())
    assert f"{file.relative_to(run)} has changed since it was written" in verify(run)


@pytest.mark.parametrize("schema", [0, SCHEMA + 1, 100])
def test_a_schema_that_is_not_known_is_refused(run: Path, schema: int) -> None:
    said = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**said, "schema": schema}))
    with pytest.raises(BenchError, match=rf"run.json: schema {schema}; this version reads 1 to {SCHEMA}"):
        open_run(run)


def test_a_file_that_lacks_a_column_is_named(run: Path) -> None:
    file = run / "records" / "predictions" / "teller@Teller__clean.parquet"
    table = pq.read_table(file)
    pq.write_table(table.drop_columns(["predicted"]), file)
    with pytest.raises(BenchError, match=r"teller@Teller__clean.parquet: cannot be read as records"):
        read_records(run)

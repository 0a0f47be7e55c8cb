from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.errors import BenchError
from bench.records import read_run
from bench.report import build, write
from bench.verify import CHECKSUMS, sha256, verify, write_checksums
from tests.bench.factory import clips, heard, run, save, timings

CLIPS = clips()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = pd.concat([heard(CLIPS, "z", texts=True), heard(CLIPS, "t", wrong=["0_ann_0"], splits=["official", "loso"])])
    folder = save(run(rows, latency=timings({"z": 0.01, "t": 0.001})), tmp_path / "run")
    write_checksums(folder)
    write(build(read_run(folder)), folder)
    return folder


def change_digit(path: Path) -> None:
    text = path.read_text()
    place = max(i for i, char in enumerate(text) if char.isdigit())
    path.write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])


def test_a_run_as_written_has_no_findings(folder: Path) -> None:
    assert verify(folder) == []


@pytest.mark.parametrize("name", ["report.md", "tables/summary.csv", "tables/pairs.csv", "tables/latency.csv"])
def test_a_changed_digit_in_what_is_derived_is_found(folder: Path, name: str) -> None:
    change_digit(folder / name)
    (finding,) = verify(folder)
    assert finding.startswith(f"{name} differs from what the records give, first in line ")


@pytest.mark.parametrize("name", ["records/latency.parquet", "records/predictions/0.parquet", "clips.parquet"])
@pytest.mark.parametrize("where", [0.1, 0.5, 0.9])
def test_a_changed_byte_in_a_record_is_found(folder: Path, name: str, where: float) -> None:
    content = bytearray((folder / name).read_bytes())
    content[int(where * len(content))] ^= 1
    (folder / name).write_bytes(content)
    assert f"{name} has changed since it was written" in verify(folder)


def test_a_changed_fact_is_found(folder: Path) -> None:
    path = folder / "run.json"
    path.write_text(path.read_text().replace("Test CPU", "Best CPU"))
    assert len(verify(folder)) == 2  # the hash, and the report that names another


def test_a_record_changed_along_with_its_hash_is_found_by_the_tables(folder: Path) -> None:
    path = folder / "records" / "predictions" / "0.parquet"
    schema, rows = pq.read_schema(path), pd.read_parquet(path)
    rows.loc[0, "predicted"] = "2"
    pq.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False), path)
    write_checksums(folder)
    findings = verify(folder)
    assert any(finding.startswith("tables/accuracy.csv differs") for finding in findings)


def test_missing_and_foreign_files_are_found(folder: Path) -> None:
    (folder / "tables" / "pairs.csv").unlink()
    (folder / "tables" / "made_up.csv").write_text("1\n")
    (folder / "records" / "extra.parquet").write_bytes(b"")
    (folder / "records" / "throughput.parquet").unlink()
    findings = verify(folder)
    assert {
        "tables/pairs.csv is missing",
        "tables/made_up.csv does not follow from the records",
        f"records/extra.parquet is not in {CHECKSUMS}",
        "records/throughput.parquet is missing",
    } <= set(findings)


def test_missing_checksums_are_found(folder: Path) -> None:
    (folder / CHECKSUMS).unlink()
    assert len(verify(folder)) == 1


def test_predictions_twice_or_of_nobody_are_found(folder: Path) -> None:
    path = folder / "records" / "predictions" / "0.parquet"
    schema, rows = pq.read_schema(path), pd.read_parquet(path)
    rows.loc[1, "clip"] = "nobody"
    pq.write_table(pa.Table.from_pandas(pd.concat([rows, rows.iloc[:1]]), schema, preserve_index=False), path)
    findings = "\n".join(verify(folder))
    assert "1 predictions are in the records twice" in findings
    assert "1 predictions are of clips or labels that clips.parquet does not have" in findings


def test_checksums_are_those_of_sha256sum(folder: Path) -> None:
    lines = (folder / CHECKSUMS).read_text().splitlines()
    assert f"{sha256(folder / 'run.json')}  run.json" in lines
    assert len(lines) == 2 + len(list((folder / "records").rglob("*.parquet")))


def test_no_run_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is not a run"):
        verify(tmp_path)

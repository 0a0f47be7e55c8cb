from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.errors import BenchError
from bench.marks import open_run
from bench.publish import derive, write_page
from bench.report import build, drawn, write
from bench.verify import CHECKSUMS, publish, sha256, verify, write_checksums
from tests.bench.factory import clips, heard, run, save, timings
from tests.bench.running import Silent, quick

CLIPS = clips()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = pd.concat([heard(CLIPS, "z", texts=True), heard(CLIPS, "t", wrong=["0_ann_0"], of=["official", "loso"])])
    folder = save(run(rows, latency=timings({"z": 0.01, "t": 0.001})), tmp_path / "run")
    write_checksums(folder)
    write(build(open_run(folder)), folder)
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
    rows.loc[0, ["label", "text"]] = ["2", "two"]
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


def test_predictions_twice_are_found(folder: Path) -> None:
    path = folder / "records" / "predictions" / "0.parquet"
    schema, rows = pq.read_schema(path), pd.read_parquet(path)
    pq.write_table(pa.Table.from_pandas(pd.concat([rows, rows.iloc[:1]]), schema, preserve_index=False), path)
    findings = "\n".join(verify(folder))
    assert "1 predictions are in the records twice" in findings


def test_predictions_of_nobody_are_found(folder: Path) -> None:
    path = folder / "records" / "predictions" / "0.parquet"
    schema, rows = pq.read_schema(path), pd.read_parquet(path)
    rows.loc[1, "clip"] = "nobody"
    pq.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False), path)
    assert "its records hold clip 'nobody', which clips.parquet does not have" in "\n".join(verify(folder))


def test_checksums_are_those_of_sha256sum(folder: Path) -> None:
    lines = (folder / CHECKSUMS).read_text().splitlines()
    assert f"{sha256(folder / 'run.json')}  run.json" in lines
    assert len(lines) == 3 + len(list((folder / "records").rglob("*.parquet")))


def test_no_run_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="is not a run"):
        verify(tmp_path)


PUBLISHED = ("records/examined.json", "plots/latency.svg", "plots/latency.png", "report.html", "gallery.png")


@pytest.fixture
def published(folder: Path) -> Path:
    for name in PUBLISHED:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"made up: {name} 0")
    write(build(open_run(folder), drawn(folder)), folder)
    publish(folder, [folder / name for name in PUBLISHED[1:]])
    assert verify(folder) == [f"{PUBLISHED[0]} is not in {CHECKSUMS}"]
    write_checksums(folder)
    assert verify(folder) == []
    return folder


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_changed_byte_in_whatever_is_published_is_found(published: Path, name: str) -> None:
    change_digit(published / name)
    assert verify(published) == [f"{name} has changed since it was written"]


@pytest.mark.parametrize(
    "name", ["records/x.json", "records/predictions/x", "tables/x.txt", "tables/deep/x.csv", "plots/x.svg", "x.html"]
)
def test_an_unknown_file_is_found(published: Path, name: str) -> None:
    (published / name).parent.mkdir(exist_ok=True)
    (published / name).write_text("")
    assert any(finding.startswith(f"{name} ") for finding in verify(published))


def test_what_a_run_needs_to_go_on_is_no_part_of_it(published: Path) -> None:
    for name in ("logs/a.log", "models/a.model", "conditions/a/b.wav", ".lock", "sessions.jsonl"):
        (published / name).parent.mkdir(parents=True, exist_ok=True)
        (published / name).write_text("")
    assert verify(published) == []


def test_pictures_and_pages_may_be_left_out_and_records_may_not(published: Path) -> None:
    for name in ("report.html", "plots/latency.png", "gallery.png"):
        (published / name).unlink()
    assert verify(published) == []
    (published / "records" / "examined.json").unlink()
    assert verify(published) == ["records/examined.json is missing"]


def test_publishing_seals_what_was_written_and_no_record(published: Path) -> None:
    change_digit(published / "records" / "examined.json")
    change_digit(published / "gallery.png")
    (published / "report.html").write_text("new")
    (published / "plots" / "latency.png").unlink()
    publish(published, [published / "report.html", published.parent / "elsewhere.png"])
    assert verify(published) == [
        "gallery.png has changed since it was written",
        "records/examined.json has changed since it was written",
    ]
    assert "latency.png" not in (published / CHECKSUMS).read_text()


def test_a_run_made_again_has_its_pages_made_again(tiny_corpus: Path, tmp_path: Path) -> None:
    from bench.corpora import open_corpus
    from bench.runner import run as carry_out

    for seed in (0, 1):
        config = quick(tiny_corpus, "chance", splits=("official",), seed=seed)
        carry_out(config, open_corpus(config.corpus, config.vocabulary), tmp_path, "digitbench run", Silent(), derive)
        assert verify(tmp_path) == []
        if not seed:
            assert not (tmp_path / "report.html").exists()
            write_page(tmp_path)
            assert verify(tmp_path) == []
            before = (tmp_path / "report.html").read_bytes()
    assert (tmp_path / "report.html").read_bytes() != before

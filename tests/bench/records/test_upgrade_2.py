"""A run of schema 2, kept beside this file: who counted its decoder's tokens, who did not, and who was trained."""

from pathlib import Path

import pyarrow.parquet as pq

from bench.compare import compare
from bench.marks import open_run
from bench.records.read import read_records
from bench.records.schema import PREDICTIONS

KEPT = Path(__file__).parent / "schema2"


def test_tokens_are_the_decoders() -> None:
    records = read_records(KEPT)
    assert records.info["schema"] == 2 and list(records.predictions) == PREDICTIONS.names
    counted = records.predictions[records.predictions["backend"] == "teller:Teller"]
    assert set(counted["text"].str.len().map(float)) == {4.0, 5.0}
    assert [facts["decoder_tokens"] for facts in counted["facts"]] == counted["text"].str.len().tolist()
    others = records.predictions[records.predictions["backend"] != "teller:Teller"]
    assert len(others) == 24 + 36 - 6 and others["facts"].isna().all()


def test_it_is_marked_and_compares_with_itself() -> None:
    run = open_run(KEPT)
    assert run.predictions[run.predictions["backend"] == "teller:Teller"]["errors"].sum() == 0
    found = compare(run, run)
    assert found.exit_code == 0 and not found.reason


def test_the_file_itself_is_of_the_old_kind() -> None:
    (file,) = (KEPT / "records" / "predictions").glob("teller@Teller*")
    assert "tokens" in pq.read_schema(file).names and "facts" not in pq.read_schema(file).names

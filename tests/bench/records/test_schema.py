import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.records.schema import FACTS, KEY, PREDICTIONS, read_run
from tests.bench.factory import clips, heard, run, save


@pytest.mark.parametrize(("facts", "label"), [({}, None), ({"modules": {}}, "2")], ids=["old", "of named code"])
def test_labels_of_code_that_is_not_named_are_read_off_their_text_anew(
    tmp_path: Path, facts: dict[str, object], label: str | None
) -> None:
    rows = heard(clips(), "z", texts=True)
    rows[["predicted", "text"]] = "2", "I'm going to do it."
    folder = save(run(rows), tmp_path / "run")
    path = folder / "records" / "predictions" / "0.parquet"
    schema = PREDICTIONS.with_metadata({KEY: b"k", FACTS: json.dumps(facts).encode()})
    pq.write_table(pa.Table.from_pandas(rows, schema, preserve_index=False), path)
    predicted = read_run(folder).predictions["predicted"]
    assert len(predicted) == len(rows)
    assert predicted.isna().all() if label is None else (predicted == label).all()


def test_labels_that_came_without_a_text_stay(tmp_path: Path) -> None:
    rows = heard(clips(), "z", wrong=["0_ann_0"])
    read = read_run(save(run(rows), tmp_path / "run")).predictions
    pd.testing.assert_series_equal(read["predicted"], rows["predicted"], check_dtype=False)

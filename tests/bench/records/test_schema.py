"""What is written down is what a backend said; what it answered is made of it whenever it is read."""

from pathlib import Path

import pandas as pd
import pytest

from bench.marks import open_run
from bench.records.read import read_records
from bench.records.schema import PREDICTIONS, Records
from tests.bench.factory import clips, heard, run, save


def written(rows: pd.DataFrame, tmp_path: Path) -> Path:
    return save(run(rows), tmp_path / "run")


@pytest.mark.parametrize(
    ("text", "answer"), [("I'm going to do it.", None), ("2", "2"), ("", None), ("two", None)], ids=str
)
def test_an_answer_is_read_off_the_text_where_no_label_was_named(tmp_path: Path, text: str, answer: str | None) -> None:
    rows = heard(clips(), "z").assign(label=None, text=text)
    predicted = open_run(written(rows, tmp_path)).predictions["predicted"]
    assert len(predicted) == len(rows)
    assert predicted.isna().all() if answer is None else (predicted == answer).all()


def test_a_label_that_was_named_is_the_answer_whatever_the_text(tmp_path: Path) -> None:
    rows = heard(clips(), "z", wrong=["0_ann_0"]).assign(text="I'm going to do it.")
    read = open_run(written(rows, tmp_path)).predictions
    pd.testing.assert_series_equal(read["predicted"], rows["label"], check_dtype=False, check_names=False)


def test_labels_that_came_without_a_text_stay(tmp_path: Path) -> None:
    rows = heard(clips(), "z", wrong=["0_ann_0"])
    read = open_run(written(rows, tmp_path)).predictions
    pd.testing.assert_series_equal(read["predicted"], rows["label"], check_dtype=False, check_names=False)


def test_records_come_back_as_they_were_written_and_unmarked(tmp_path: Path) -> None:
    rows = heard(clips(), "z", silent=["0_ann_0"], of=["official"], texts=True, scores=True).assign(facts=None)
    told: list[object] = [{"decoder_tokens": 7.0, "no_speech": 0.25}] * (len(rows) - 2) + [None, {}]
    rows = rows.assign(facts=pd.Series(told, index=rows.index, dtype=object))
    made = run(rows)
    read = read_records(save(made, tmp_path / "run"))
    assert type(read) is Records
    assert list(read.predictions) == list(PREDICTIONS.names)
    for name in ("clips", "splits", "latency", "coldstart", "throughput", "resources"):
        back, written_down = (getattr(each, name).astype(object).fillna("") for each in (read, made))
        pd.testing.assert_frame_equal(back, written_down, check_dtype=False)
    one, other = (frame.drop(columns="scores") for frame in (read.predictions, rows))
    pd.testing.assert_frame_equal(one.astype(object).fillna(""), other.astype(object).fillna(""), check_dtype=False)
    assert [list(scores) for scores in read.predictions["scores"]] == [list(scores) for scores in rows["scores"]]

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.errors import BenchError
from bench.marks import marked, open_run, task_of
from bench.records.schema import Records, Run
from tests.bench import factory

INFO: dict[str, Any] = {"vocabulary": {"0": ["zero"], "1": ["one"]}, "config": {}}


def records(run: Run) -> Records:
    """A run without its marks."""
    return Records(**{field.name: getattr(run, field.name) for field in fields(Records)})


def test_every_prediction_has_reference_speaker_answer_errors_and_units() -> None:
    table = factory.clips()
    run = factory.run(factory.heard(table, "a", wrong=["0_ann_0"], silent=["1_bob_3"]), table)
    rows = run.predictions.set_index("clip")
    assert rows["reference"].tolist() == table.set_index("clip")["reference"].loc[rows.index].tolist()
    assert rows["speaker"].tolist() == table.set_index("clip")["speaker"].loc[rows.index].tolist()
    assert rows["predicted"].loc["0_ann_0"] == "1" and pd.isna(rows["predicted"].loc["1_bob_3"])
    assert set(rows.index[rows["errors"] == 1]) == {"0_ann_0", "1_bob_3"} and set(rows["units"]) == {1}


def test_marking_twice_is_marking_once() -> None:
    run = factory.run(factory.heard(factory.clips(), "a", wrong=["0_ann_0"], texts=True))
    pd.testing.assert_frame_equal(marked(records(run)).predictions, run.predictions)


def test_a_label_wins_over_a_text() -> None:
    given = factory.heard(factory.clips(), "a").assign(text="two")
    given.loc[given["clip"] == "0_ann_0", "label"] = None
    rows = factory.run(given, vocabulary={"0": ["zero"], "1": ["one"], "2": ["two"]}).predictions.set_index("clip")
    assert rows["predicted"].loc["0_ann_0"] == "2" and rows["errors"].sum() == 1


def test_no_predictions_are_no_marks() -> None:
    rows = factory.run(factory.heard(factory.clips(), "a").iloc[:0]).predictions
    assert rows.empty and {"reference", "predicted", "errors", "units"} <= set(rows)


def test_a_prediction_of_a_clip_that_is_not_there_is_named() -> None:
    run = factory.run(factory.heard(factory.clips(), "a"))
    lacking = replace(records(run), clips=run.clips[run.clips["clip"] != "2_cid_4"])
    with pytest.raises(BenchError, match=r"run: its records hold clip '2_cid_4', which clips.parquet does not have"):
        marked(lacking)


def test_a_saved_run_is_marked_when_it_is_read(tmp_path: Path) -> None:
    run = factory.run(factory.heard(factory.clips(), "a", wrong=["0_ann_0"]))
    read = open_run(factory.save(run, tmp_path / "run"))
    columns = ["clip", "reference", "speaker", "predicted", "errors", "units"]
    pd.testing.assert_frame_equal(read.predictions[columns], run.predictions[columns], check_dtype=False)


def test_a_run_that_names_no_task_asks_for_labels() -> None:
    task = task_of(INFO)
    assert task.name == "classification" and task.asked.language == "en"
    assert task_of({**INFO, "config": {"language": "de"}}).asked.language == "de"


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"config": {}}, "does not say what was asked"),
        ({"vocabulary": INFO["vocabulary"], "config": None}, "does not say what was asked"),
        ({**INFO, "config": {"task": "clasification"}}, "no task named 'clasification'; did you mean classification"),
    ],
)
def test_what_was_asked_must_be_said(said: dict[str, Any], reason: str) -> None:
    with pytest.raises(BenchError, match=reason):
        task_of(said)

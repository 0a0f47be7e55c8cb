"""From what backends said to how wrong it is: the step between records and statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from backends.base import Asked
from bench import tasks
from bench.errors import BenchError
from bench.records.read import read_records
from bench.records.schema import PREDICTIONS, Records, Run
from bench.tasks.base import Task

CLASSIFICATION = "classification"
"""The task of a run that does not name one."""


def open_run(folder: Path) -> Run:
    """A run with its predictions marked. Raises BenchError."""
    return marked(read_records(folder))


def task_of(info: Mapping[str, Any]) -> Task:
    """The task that a run.json is of. Raises BenchError where it does not say what was asked."""
    config = info.get("config", {})
    try:
        asked = Asked(config.get("task", CLASSIFICATION), info["vocabulary"], config.get("language", "en"))
    except (KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"run.json does not say what was asked (no {error})") from error
    return tasks.make(asked)


def marked(records: Records) -> Run:
    """The run with its task, and its predictions with reference and speaker of their clip, answer, errors and units.

    Raises BenchError for a prediction of a clip that the run does not have.
    """
    task = task_of(records.info)
    facts = records.clips.set_index("clip")[["reference", "speaker"]]
    rows = records.predictions[list(PREDICTIONS.names)].join(facts, on="clip")
    if rows["reference"].isna().any():
        strange = rows["clip"][rows["reference"].isna()].iloc[0]
        raise BenchError(f"{records.folder}: its records hold clip {strange!r}, which clips.parquet does not have")
    rows["predicted"] = task.answers(rows["label"], rows["text"])
    marks = task.marks(rows["reference"], rows["predicted"])
    read = {field.name: getattr(records, field.name) for field in fields(Records)}
    return Run(**{**read, "predictions": rows.assign(errors=marks["errors"], units=marks["units"])}, task=task)

"""The summary in Markdown, with a footnote for every figure that is not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from bench.names import ALL, FLOOR
from bench.records.schema import Run
from bench.report.tables import cost
from bench.report.tables.accuracy import fact_columns
from bench.report.tables.measure import column, header, shown
from bench.report.tables.outcomes import absence, failure, splits, tested, title
from bench.report.tables.summary import MEMORY
from bench.report.text.markdown import (
    ABSENT,
    NUMBERS,
    Column,
    code,
    escape,
    megabytes,
    milliseconds,
    number,
    percent,
    table,
)
from bench.splits import SPLITS
from bench.stats import calls_needed
from bench.tasks.base import LOW, Kind


def render(run: Run, frame: pd.DataFrame) -> str:
    """The summary table in Markdown, with a footnote for every figure that is not there."""
    ran = splits(run)
    columns = [Column(first_header(run, "backend"), "backend", escape)]
    measure = run.task.measure
    for split in ran:
        head = header(measure, escape(title(run, split)), f"(95 % interval), n = {len(tested(run, split)):,}")
        columns.append(column(measure, head, f"{split}_accuracy"))
    columns += [
        Column(f"{fact.header} ({ran[0]})", fact.key, kind_writers(run)[fact.kind], fact.best, fact.interval)
        for fact in run.task.facts
        if ran
    ]
    if cost.measures_cost(run):
        columns += [
            Column("ms per clip, p50", "p50_s", milliseconds, LOW),
            Column("ms per clip, p95", "p95_s", milliseconds, LOW),
            Column("cold start, s", "cold_s", number, LOW),
            Column("RTF", "rtf", number, LOW),
            Column("peak RSS, MB", "peak_rss_bytes", megabytes, LOW),
            Column("above idle, MB", "above_idle_bytes", megabytes, LOW),
        ]
    columns.append(Column("model, MB", "model_bytes", megabytes, LOW))
    return _with_notes(run, frame, columns)


def brief(run: Run, frame: pd.DataFrame) -> str:
    """The summary in six narrow columns: accuracy on speakers not heard in training and on those heard, and cost."""
    ran = splits(run)
    columns = [Column(first_header(run, "backend"), "backend", escape)]
    measure = run.task.measure
    new, known = ([split for split in ran if SPLITS[split].heard == heard] for heard in (False, True))
    # Of `all` nobody learns, so that none of its speakers is a known one.
    headers = {ALL: f"{measure.name}, %"}
    columns += [column(measure, headers.get(split, "new speakers, %"), f"{split}_accuracy") for split in new[:1]]
    columns += [Column("known speakers, %", f"{split}_accuracy", percent, measure.best) for split in known[-1:]]
    if cost.measures_cost(run):
        columns += [
            Column("ms per clip", "p50_s", milliseconds, LOW),
            Column("memory, MB", "above_idle_bytes", megabytes, LOW),
        ]
    columns.append(Column("model, MB", "model_bytes", megabytes, LOW))
    return _with_notes(run, frame, columns)


def _with_notes(run: Run, frame: pd.DataFrame, columns: Sequence[Column]) -> str:
    notes = Notes(run)
    body = table(shown(frame, run.task.measure), columns, notes.cell, lambda row: row["backend"] != FLOOR)
    return "\n\n".join(filter(None, (body, notes.text())))


def first_header(run: Run, word: str) -> str:
    """The header of a table's first column: every table names its corpus, and owns up to being for testing only."""
    return f"{word} ({escape(run.info['corpus']['name'])}{', for testing only' if run.info['testing_only'] else ''})"


def kind_writers(run: Run) -> Mapping[Kind, Callable[[Any], str]]:
    """How each kind of value is written in Markdown."""
    none = run.task.none
    return {**NUMBERS, "text": escape, "answer": lambda label: escape(label) or none, "code": code}


class Notes:
    """Says in each empty cell why it is empty, gathering footnotes on the way."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._notes: list[str] = []
        self._told: set[tuple[str, str]] = set()

    def cell(self, row: pd.Series, key: str) -> str:
        """What stands in ``row`` where ``key`` has no value. A failure is told in full once per row."""
        backend = row["backend"]
        phase, split = self._phase(key)
        reason = failure(self._run, backend, phase, split)
        if reason is not None:
            first = (backend, reason) not in self._told
            self._told.add((backend, reason))
            return f"failed: {escape(_short(reason))}" if first else "failed"
        note = self._why(row, key, phase, split)
        if note not in self._notes:
            self._notes.append(note)
        return f"{ABSENT} ({self._notes.index(note) + 1})"

    def text(self) -> str:
        """The footnotes."""
        return "<br>\n".join(f"({number}) {escape(note)}." for number, note in enumerate(self._notes, start=1))

    def _phase(self, key: str) -> tuple[str, str | None]:
        ran = splits(self._run)
        if key in fact_columns(self._run.task):
            return "accuracy", ran[0]
        if key.endswith("_accuracy"):
            return "accuracy", key.removesuffix("_accuracy")
        return "size" if key == "model_bytes" else "latency", None

    def _why(self, row: pd.Series, key: str, phase: str, split: str | None) -> str:
        if split is not None:
            return absence(self._run, row["backend"], split)
        if key == "p95_s" and row["calls"] > 0:
            return f"a p95 needs {calls_needed(95)} timed calls, {int(row['calls'])} were made"
        if phase == "size":
            return "the size of the model is not known"
        return f"{'cold start' if key == 'cold_s' else 'memory' if key in MEMORY else 'latency'} was not measured"


def _short(reason: str, length: int = 80) -> str:
    line = " ".join(reason.split())
    return line if len(line) <= length else line[: length - 1] + "…"

"""The one table that answers the question: a row per backend."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.records.schema import Run
from bench.report.tables import cost
from bench.report.tables.outcomes import FLOOR, absence, backends, failure, splits, tested, title
from bench.report.text.markdown import (
    ABSENT,
    HIGH,
    LOW,
    Column,
    escape,
    megabytes,
    milliseconds,
    number,
    percent,
    table,
)
from bench.stats import calls_needed

ACCURACY = ("accuracy", "accuracy_low", "accuracy_high")
HARDEST = ("macro_f1", "macro_f1_low", "macro_f1_high", "no_digit")
LATENCY = ("p50_s", "p95_s", "rtf")
UNHEARD, HEARD = ("cross", "loso"), ("official", "mixed")
"""Splits that test speakers who are not heard in training, and those who are; the first that was run speaks."""
MEMORY = ("peak_rss_bytes", "above_idle_bytes")


def summary(
    run: Run, scores: pd.DataFrame, latency: pd.DataFrame, coldstart: pd.DataFrame, resources: pd.DataFrame
) -> pd.DataFrame:
    """Every backend, best first by the hardest split, then the next; the floor last.

    macro_f1 and no_digit are of the hardest split that was run; costs are at the largest thread count.
    """
    frame = pd.DataFrame({"backend": backends(run)}).set_index("backend")
    ran = splits(run)
    for split in ran:
        own = scores[scores["split"] == split].set_index("backend")
        frame = frame.join(own[["clips", *ACCURACY]].add_prefix(f"{split}_"))
    hardest = scores[scores["split"] == ran[0]] if ran else scores.iloc[:0]
    at_most = latency[latency["threads"] == cost.headline_threads(run)].set_index("backend")
    parts: list[pd.DataFrame | pd.Series] = [hardest.set_index("backend")[list(HARDEST)], at_most[["calls", *LATENCY]]]
    parts += [coldstart.set_index("backend")[["cold_s"]]]
    parts += [resources.set_index("backend")[[*MEMORY, "model_bytes"]]]
    frame = frame.join(parts, how="left")
    frame["floor"] = frame.index == FLOOR
    keys = ["floor", *(f"{split}_accuracy" for split in ran)]
    frame = frame.sort_index(kind="stable").sort_values(
        keys, ascending=[True] + [False] * len(ran), kind="stable", na_position="last"
    )
    return frame.drop(columns="floor").reset_index()


def render(run: Run, frame: pd.DataFrame) -> str:
    """The summary table in Markdown, with a footnote for every figure that is not there."""
    ran = splits(run)
    columns = [Column(first_header(run, "backend"), "backend", escape)]
    for split in ran:
        low, high = f"{split}_accuracy_low", f"{split}_accuracy_high"
        header = f"{escape(title(run, split))} accuracy, % (95 % interval), n = {len(tested(run, split)):,}"
        columns.append(Column(header, f"{split}_accuracy", percent, HIGH, (low, high)))
    if ran:
        columns += [
            Column(f"macro-F1, % ({ran[0]})", "macro_f1", percent, HIGH, ("macro_f1_low", "macro_f1_high")),
            Column(f"no digit, % ({ran[0]})", "no_digit", percent, LOW),
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
    for words, among in (("new speakers, %", UNHEARD), ("known speakers, %", HEARD)):
        for split in [split for split in among if split in ran][:1]:
            low, high = f"{split}_accuracy_low", f"{split}_accuracy_high"
            interval = (low, high) if among is UNHEARD else None
            columns.append(Column(words, f"{split}_accuracy", percent, HIGH, interval))
    if cost.measures_cost(run):
        columns += [
            Column("ms per clip", "p50_s", milliseconds, LOW),
            Column("memory, MB", "above_idle_bytes", megabytes, LOW),
        ]
    columns.append(Column("model, MB", "model_bytes", megabytes, LOW))
    return _with_notes(run, frame, columns)


def _with_notes(run: Run, frame: pd.DataFrame, columns: Sequence[Column]) -> str:
    notes = Notes(run)
    body = table(frame, columns, notes.cell, lambda row: row["backend"] != FLOOR)
    return "\n\n".join(filter(None, (body, notes.text())))


def first_header(run: Run, word: str) -> str:
    """The header of a table's first column: every table names its corpus, and owns up to being for testing only."""
    return f"{word} ({escape(run.info['corpus']['name'])}{', for testing only' if run.info['testing_only'] else ''})"


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
        if key in HARDEST:
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


def order(frame: pd.DataFrame, names: Sequence[str], *keys: str) -> pd.DataFrame:
    """Rows by ``keys``, then in the order of the summary's backends."""
    place = {name: i for i, name in enumerate(names)}
    sortable = frame.assign(_place=frame["backend"].map(place))
    return sortable.sort_values([*keys, "_place"], kind="stable", ignore_index=True).drop(columns="_place")

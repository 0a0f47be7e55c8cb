"""Which backend to take within limits of one's own, from a run's records; and why, in two lines."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd

from bench.records.schema import Run
from bench.report.build import tables
from bench.report.tables import cost
from bench.report.tables.candidates import FIGURES, Candidates, candidates
from bench.report.tables.measure import figure
from bench.report.tables.outcomes import title
from bench.report.text.markdown import count_threads, megabytes, milliseconds, number, percent
from bench.tasks.base import LOW

SLACK = 1e-9
"""A figure on its limit is within it, whatever its last digit."""
NAMED = 3
"""How many of those that the limits exclude are told."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for, in the units of the command line; None is no limit.

    max_ms limits warm latency at the largest thread count: its p50, or with ``p95`` its p95. max_mb limits the model,
    max_ram_mb peak memory above an idle worker, max_cold_s the cold start. min_accuracy is per cent.
    """

    new_speakers: bool = True
    training: bool = True
    max_ms: float | None = None
    p95: bool = False
    max_mb: float | None = None
    max_ram_mb: float | None = None
    max_cold_s: float | None = None
    min_accuracy: float | None = None


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What was found. lines: the answer and the reason. notes: what a reader must know besides.

    backend is None when nothing fits; figures and split are then of the nearest miss, and flags are what it would take.
    Figures are fractions, seconds and bytes.
    """

    backend: str | None
    lines: tuple[str, ...]
    notes: tuple[str, ...]
    split: str
    figures: dict[str, Any]
    nearest: str | None = None
    flags: str = ""
    testing_only: bool = False

    @property
    def exit_code(self) -> int:
        """0 if something fits, else 1."""
        return int(self.backend is None)

    def json(self) -> str:
        """The same for a program."""
        names = ("exit_code", "backend", "lines", "notes", "split", "figures", "nearest", "flags", "testing_only")
        return json.dumps({name: getattr(self, name) for name in names}, indent=2) + "\n"


def choose(run: Run, wish: Wish) -> Recommendation:
    """The cheapest of those within the limits that are not shown to be less accurate than the best of them.

    See :meth:`Candidates.pick`; "shown" is the report's test.
    """
    field = candidates(run, tables(run), wish.new_speakers)
    asked = limits(wish)
    allowed = field if wish.training else field.only(list(field.table["backend"][~field.table["trained"].astype(bool)]))
    within = [all(limit.holds(row[limit.column]) for limit in asked) for _, row in allowed.table.iterrows()]
    fitting = allowed.only(list(allowed.table["backend"][within]))
    notes, testing = (*_warnings(run), *field.unjudged.values()), bool(run.info["testing_only"])
    if not fitting.names:
        nearest, flags = nearest_miss(allowed, asked)
        lines = [_trial("nothing fits" + (f"; {nearest} would do at {flags}" if nearest else ""), testing)]
        lines.append(_describe(run, field, nearest) if nearest else _no_figures(allowed, asked, wish))
        figures = _figures(field, nearest) if nearest else {}
        return Recommendation(None, tuple(lines), notes, field.split, figures, nearest, flags, testing)
    pick, merit = fitting.pick()
    bounded = bool(asked) or not wish.training
    why = " ".join([_reason(run, fitting, pick, merit, bounded), *_excluded(field, fitting, pick, asked, bounded)])
    lines = [_trial(_describe(run, field, pick), testing), why]
    return Recommendation(pick, tuple(lines), notes, field.split, _figures(field, pick), testing_only=testing)


class Limit(NamedTuple):
    """A limit of the command line: the figure it is about, how many of the flag's units one of the figure's is."""

    flag: str
    bound: float
    column: str
    units: float
    figure: str
    complaint: str

    def excess(self, figure: float) -> float:
        """How many times the limit the figure is, in errors where accuracy is meant. Above 1: outside."""
        value, bound = figure * self.units, self.bound
        if self.column == "accuracy":
            value, bound = 100 - value, 100 - bound
        return value / bound if bound > 0 else math.inf if value > 0 else 1.0

    def holds(self, figure: float) -> bool:
        """Whether the figure is within the limit; one that is not known is not."""
        return not math.isnan(figure) and self.excess(figure) <= 1 + SLACK

    def enough(self, figure: float) -> str:
        """The flag that the figure would satisfy, to two digits or the unit; accuracy to a tenth."""
        value = figure * self.units
        if self.column == "accuracy":
            return f"{self.flag} {math.floor(value * 10) / 10:.10g}"
        step = min(10.0 ** (math.floor(math.log10(value)) - 1), 1.0) if value > 0 else 1.0
        return f"{self.flag} {math.ceil(value / step) * step:.10g}"

    def objection(self, figure: float) -> str:
        """ "takes 7.10 ms": what is the matter with a figure outside the limit."""
        known = not math.isnan(figure)
        return self.complaint.format(number(figure * self.units)) if known else f"its {self.figure} is not known"


def limits(wish: Wish) -> list[Limit]:
    """Those that were given."""
    latency, taking = ("p95_s", "has a p95 of {} ms") if wish.p95 else ("p50_s", "takes {} ms")
    known = [
        ("--max-ms", wish.max_ms, latency, 1e3, "p95" if wish.p95 else "latency", taking),
        ("--max-mb", wish.max_mb, "model_bytes", 1e-6, "model size", "is a model of {} MB"),
        ("--max-ram-mb", wish.max_ram_mb, "above_idle_bytes", 1e-6, "memory", "needs {} MB of memory"),
        ("--max-cold-s", wish.max_cold_s, "cold_s", 1.0, "cold start", "takes {} s to start"),
        ("--min-accuracy", wish.min_accuracy, "accuracy", 1e2, "accuracy", "is right in {} % only"),
    ]
    return [
        Limit(flag, bound, column, units, figure, words)
        for flag, bound, column, units, figure, words in known
        if bound is not None
    ]


def nearest_miss(field: Candidates, asked: list[Limit]) -> tuple[str | None, str]:
    """Who misses fewest limits, then by least, and the flags that it takes; None where figures are not known."""
    best: tuple[int, float, int] | None = None
    flags = ""
    for place, (_, row) in enumerate(field.table.iterrows()):
        missed = [limit for limit in asked if not limit.holds(row[limit.column])]
        if any(math.isnan(row[limit.column]) for limit in missed):
            continue
        rank = (len(missed), max((limit.excess(row[limit.column]) for limit in missed), default=0.0), place)
        if best is None or rank < best:
            best, flags = rank, " ".join(limit.enough(row[limit.column]) for limit in missed)
    return (field.names[best[2]], flags) if best else (None, "")


def _reason(run: Run, fitting: Candidates, pick: str, merit: str, bounded: bool) -> str:
    """What it beat."""
    whom = "that fits" if bounded else "of all"
    first = fitting.names[0]
    if len(fitting.names) == 1:
        return "The only one that fits." if bounded else "The only candidate."
    if pick != first:
        figures = f"{_share(run, fitting.accuracy(first))}, {_milliseconds(fitting.row(first)['p50_s'])}"
        return f"The {merit} not shown to be less accurate than {first} ({figures}), the most accurate {whom}."
    rivals, second = fitting.rivals(pick), f"{fitting.names[1]} with {_share(run, fitting.accuracy(fitting.names[1]))}"
    if rivals:
        return f"The most accurate {whom}, not shown to be better than {', '.join(rivals)}, and the {merit} of these."
    return f"Shown on these clips to be the most accurate {whom}; next is {second}."


def _excluded(field: Candidates, fitting: Candidates, pick: str, asked: list[Limit], bounded: bool) -> list[str]:
    """Who would be more accurate but for the limits."""
    share, phrases = fitting.accuracy(pick), []
    for _, row in field.table.iterrows():
        if row["backend"] in fitting.names or row["accuracy"] <= share:
            continue
        objections = [limit.objection(row[limit.column]) for limit in asked if not limit.holds(row[limit.column])]
        shown = "" if (row["backend"], pick) in field.better else " (not shown)"
        points = f"{row['backend']} is {percent(row['accuracy'] - share)} points better{shown}"
        phrases.append(f"{points} but {' and '.join(objections or ['needs training'])}")
    if not phrases:
        return ["The limits exclude nothing more accurate."] if bounded else []
    more = [f"{len(phrases) - NAMED} more are excluded"] if len(phrases) > NAMED else []
    return ["; ".join([*phrases[:NAMED], *more]) + "."]


def _describe(run: Run, field: Candidates, name: str) -> str:
    """A candidate's figures."""
    row = field.row(name)
    ends = sorted(run.task.measure.shown(row[name]) for name in ("accuracy_low", "accuracy_high"))
    low, high = map(percent, ends)
    speakers = "new" if field.new_speakers or not row["trained"] else "known"
    return ", ".join(
        [
            f"{name}: {_share(run, row['accuracy'])} on {speakers} speakers (95 % interval {low}-{high};"
            f" {title(run, field.split)}, {int(row['clips']):,} clips)",
            f"{_milliseconds(row['p50_s'])} per clip (p50, {count_threads(cost.headline_threads(run))})",
            f"{_megabytes(row['above_idle_bytes'])} of memory above idle",
            f"a model of {_megabytes(row['model_bytes'])}",
        ]
    )


def _share(run: Run, share: float) -> str:
    """A share as its task's figure; errors are called by their name."""
    measure = run.task.measure
    return f"{figure(share, measure)} %{f' {measure.name}' if measure.best == LOW else ''}"


def _milliseconds(seconds: float) -> str:
    return "unknown ms" if math.isnan(seconds) else f"{milliseconds(seconds)} ms"


def _megabytes(size: float) -> str:
    return "unknown MB" if math.isnan(size) else f"{megabytes(size)} MB"


def _figures(field: Candidates, name: str) -> dict[str, Any]:
    row = field.row(name)
    return {key: None if pd.isna(row[key]) else float(row[key]) for key in FIGURES}


def _no_figures(allowed: Candidates, asked: list[Limit], wish: Wish) -> str:
    """Why there is not even a nearest miss."""
    if allowed.names:
        return f"No candidate has a figure for all of {', '.join(limit.flag for limit in asked)}."
    return f"There is no candidate{'' if wish.training else ' that needs no training'}."


def _trial(line: str, testing: bool) -> str:
    return f"(for testing only) {line}" if testing else line


def _warnings(run: Run) -> list[str]:
    due = [
        (run.info["notice"], run.info["notice"]),
        (run.info["finished"] is None, "the run was not finished: figures are missing"),
        (run.info["machine"].get("busy"), "the machine was busy: distrust the times"),
    ]
    return [text for asked, text in due if asked]

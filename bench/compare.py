"""Is run B worse than run A? Accuracy decides; latency only where the two can be compared."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bench import stats
from bench.names import CLEAN
from bench.records.schema import Run
from bench.report.tables import cost
from bench.report.tables.outcomes import backends, clusters, conditions, failure, outcomes, splits, tested
from bench.report.text.markdown import Column, count, escape, number, p_value, percent, table
from bench.stats.paired import ALPHA
from bench.tasks.base import Measure

SAME, BETTER, WORSE = "no difference shown", "better", "worse"
MACHINE = ("cpu", "cores", "memory_bytes", "os")
KIND = ("processor", "kernels", "host")
"""What a run of an older version does not say of its machine."""
BOOT_JITTER = 5.0
"""Seconds; a clock that is set moves the boot time it is counted from."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed from run A to run B.

    accuracy: split, condition, backend, clips, a, b (shares), difference b - a with low and high, p, holm_p, verdict.
    latency: backend, clips, a_s, b_s (medians), ratio b / a with low and high, verdict. broken: what worked in A and
    failed in B. notes: what was not compared. reason: why nothing could be compared, or empty.
    measure, test: how a task shows shares, and what tells them apart.
    """

    accuracy: pd.DataFrame
    latency: pd.DataFrame
    broken: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    measure: Measure = field(default_factory=Measure)
    test: str = ""

    @property
    def exit_code(self) -> int:
        """0 no worse, 1 worse, 2 could not compare."""
        if self.reason:
            return 2
        return int(bool(self.broken) or WORSE in {*self.accuracy["verdict"], *self.latency["verdict"]})

    def markdown(self) -> str:
        """Tables and a verdict."""
        if self.reason:
            return f"**Could not compare:** {escape(self.reason)}.\n"
        judged = table(_shown(self.accuracy, self.measure), _columns(self.measure, self.test))
        blocks = [f"**B is {'worse' if self.exit_code else 'no worse'}.**", judged]
        if len(self.latency):
            blocks.append(table(self.latency, _LATENCY))
        return "\n\n".join([*blocks, *(f"- {escape(note)}." for note in (*self.broken, *self.notes))]) + "\n"

    def json(self) -> str:
        """The same for a program; shares are fractions, times seconds."""
        content: dict[str, Any] = {
            "exit_code": self.exit_code,
            "reason": self.reason,
            "broken": list(self.broken),
            "notes": list(self.notes),
            "accuracy": json.loads(self.accuracy.to_json(orient="records")),
            "latency": json.loads(self.latency.to_json(orient="records")),
        }
        return json.dumps(content, indent=2) + "\n"


def compare(a: Run, b: Run, *, force: bool = False, margin: float = 0.05) -> Comparison:
    """Compare the backends that both runs have, paired by clip.

    B is worse where its task's test shows more errors on the same clips (Holm over all rows), where a
    backend that worked in A failed in B, or where latency grew by more than ``margin`` beyond doubt. Latency is judged
    between runs of one machine since one boot; ``force`` judges it anyway.
    """
    reason, nothing = _incomparable(a, b), _frame(_LATENCY, [])
    if reason:
        return Comparison(_frame(_columns(Measure()), []), nothing, reason=reason)
    shared = [split for split in splits(a) if split in splits(b)]
    common = [split for split in shared if tested(a, split).equals(tested(b, split))]
    notes = [f"{split}: the runs test other clips" for split in shared if split not in common]
    accuracy, broken = _accuracy(a, b, common), _broken(a, b)
    if accuracy.empty and not broken:
        return Comparison(accuracy, nothing, reason="; ".join(["no backend was heard on the same clips", *notes]))
    shown = set(_shared_conditions(a, b))
    notes += [f"condition {name} is not in both runs, or not the same" for name in conditions(a) if name not in shown]
    notes += [f"{name} is in one run only" for name in sorted(set(backends(a)) ^ set(backends(b)))]
    same = same_session(a, b)
    if not (same or force):
        notes.append("latency is not judged: the runs are not of one machine and session")
        return Comparison(accuracy, nothing, broken, tuple(notes), measure=a.task.measure, test=a.task.test)
    if not same:
        notes.append("latency is judged although the runs are not of one machine and session: it was forced")
    busy = [name for name, run in (("A", a), ("B", b)) if run.info["machine"].get("busy")]
    notes += [f"the machine was busy when {name} began: distrust its times" for name in busy]
    latency = _latency(a, b, margin)
    if len(latency):
        notes.append("the runs were not interleaved: drift of the machine between them counts as a difference")
    return Comparison(accuracy, latency, broken, tuple(notes), measure=a.task.measure, test=a.task.test)


def same_session(a: Run, b: Run) -> bool:
    """Whether both runs are of one machine since one boot."""
    here, there = a.info["machine"], b.info["machine"]
    boots = here.get("boot_time"), there.get("boot_time")
    known = None not in boots and abs(float(boots[0]) - float(boots[1])) <= BOOT_JITTER
    kinds = [key for key in KIND if key in here and key in there]
    return known and all(here.get(key) == there.get(key) for key in (*MACHINE, *kinds))


def _incomparable(a: Run, b: Run) -> str:
    first, second = a.info["corpus"], b.info["corpus"]
    if a.task.name != b.task.name:
        return f"other tasks: {a.task.name} and {b.task.name}"
    if first["sha256"] != second["sha256"]:
        names = " and ".join(f"{corpus['name']} (sha256 {corpus['sha256'][:12]})" for corpus in (first, second))
        return f"other data: {names}"
    keys = ["clip", "sha256", "reference"]
    both = a.clips[keys].merge(b.clips[keys], on="clip")
    if not (both["sha256_x"].equals(both["sha256_y"]) and both["reference_x"].equals(both["reference_y"])):
        return "other clips: some have the same name but other samples or references"
    if not set(backends(a)) & set(backends(b)):
        return "the runs have no backend in common"
    return ""


def _accuracy(a: Run, b: Run, common: list[str]) -> pd.DataFrame:
    keys = ["split", "backend", "clip"]
    rows = []
    for condition in _shared_conditions(a, b):
        before, after = outcomes(a, condition), outcomes(b, condition)
        both = before.merge(after[[*keys, "errors"]], on=keys, suffixes=("_a", "_b"))
        both = both[both["split"].isin(common)]
        for (split, backend), marks in both.groupby(["split", "backend"], sort=False):
            speakers = clusters(marks, str(split))
            was, now, units = (marks[name].to_numpy() for name in ("errors_a", "errors_b", "units"))
            pair = a.task.paired(now, was, units, None if speakers is None else list(speakers))
            shares = [1 - errors.sum() / units.sum() for errors in (was, now)]
            change = (pair.difference, pair.low, pair.high, pair.p)
            rows.append([split, condition, backend, len(marks), *shares, *change, np.nan, SAME])
    table = _frame(_columns(Measure()), rows)
    table["holm_p"] = stats.holm(table["p"])
    real = table["holm_p"] < ALPHA
    table.loc[real, "verdict"] = np.where(table.loc[real, "difference"] > 0, BETTER, WORSE)
    return table


def _shared_conditions(a: Run, b: Run) -> list[str]:
    """Conditions of both; with other seeds, all but clean are others in spite of their names."""
    shared = [condition for condition in conditions(a) if condition in conditions(b)]
    same = a.info["config"].get("seed") == b.info["config"].get("seed")
    return shared if same else [condition for condition in shared if condition == CLEAN]


def _latency(a: Run, b: Run, margin: float) -> pd.DataFrame:
    """Per-clip medians, at the largest thread count that both runs timed."""
    first, second = cost.timed(a), cost.timed(b)
    threads = max(set(first["threads"]) & set(second["threads"]), default=0)
    was, now = (
        calls[calls["threads"] == threads].groupby(["backend", "clip"]).agg({"latency_s": "median", "process": "first"})
        for calls in (first, second)
    )
    both = was.add_suffix("_a").join(now.add_suffix("_b"), how="inner")
    rows = []
    for backend, pairs in both.groupby(level="backend"):
        together = pairs.groupby(["process_a", "process_b"]).ngroup()
        ratio = stats.time_ratio(pairs["latency_s_b"], pairs["latency_s_a"], processes=together)
        verdict = WORSE if ratio.low > 1 + margin else BETTER if ratio.high < 1 - margin else SAME
        rows.append(
            [backend, len(pairs), pairs["latency_s_a"].median(), pairs["latency_s_b"].median(), *ratio, verdict]
        )
    return _frame(_LATENCY, rows)


def _broken(a: Run, b: Run) -> tuple[str, ...]:
    """What worked in A and failed in B."""
    worked: list[tuple[str, str, str | None, str]] = [
        ("accuracy", str(backend), str(split), condition)
        for condition in _shared_conditions(a, b)
        for split, backend in outcomes(a, condition)[["split", "backend"]].drop_duplicates().itertuples(index=False)
    ]
    worked += [("checks", backend, None, CLEAN) for backend in backends(a) if failure(a, backend, "checks") is None]
    for phase in ("latency", "throughput"):
        worked += [(phase, str(backend), None, CLEAN) for backend in sorted(getattr(a, phase)["backend"].unique())]
    reasons = {
        f"{backend} worked in A and failed in B ({phase}): {reason}"
        for phase, backend, split, condition in worked
        if (reason := failure(b, backend, phase, split, condition)) is not None
    }
    return tuple(sorted(reasons))


def _frame(columns: list[Column], rows: list[list[Any]]) -> pd.DataFrame:
    names = [name for column in columns for name in (column.key, *(column.interval or ()))]
    return pd.DataFrame(rows, columns=names)


def _shown(accuracy: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """Shares as a task's figures, and B - A the way round that they have."""
    if measure.shown(0.0) == 0.0:
        return accuracy
    turned = {"difference": -accuracy["difference"], "low": -accuracy["high"], "high": -accuracy["low"]}
    return accuracy.assign(a=accuracy["a"].map(measure.shown), b=accuracy["b"].map(measure.shown), **turned)


def _columns(measure: Measure, test: str = "") -> list[Column]:
    return [
        Column("split", "split"),
        Column("condition", "condition", escape),
        Column("backend", "backend", escape),
        Column("clips", "clips", count),
        Column(f"{measure.name} A, %", "a", percent),
        Column(f"{measure.name} B, %", "b", percent),
        Column("B - A, points (95 % interval)", "difference", percent, interval=("low", "high")),
        Column(f"p, {test.removesuffix(' test')}", "p", p_value),
        Column("p, Holm", "holm_p", p_value),
        Column("verdict on B", "verdict"),
    ]


_LATENCY = [
    Column("backend", "backend", escape),
    Column("clips", "clips", count),
    Column("A, s", "a_s", number),
    Column("B, s", "b_s", number),
    Column("B takes times as long as A (95 % interval)", "ratio", number, interval=("low", "high")),
    Column("verdict on B", "verdict"),
]

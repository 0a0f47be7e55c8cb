"""Tables of what conditions other than clean do to accuracy."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from bench import stats
from bench.names import CLEAN, FLOOR
from bench.records.schema import Run
from bench.report.tables.accuracy import SHARE, compared
from bench.report.tables.outcomes import clusters, conditions, outcomes, splits
from bench.splits import SPLITS
from bench.tasks.base import Task

_NOISE = re.compile(r"noise:(?P<noise>.+)@(?P<snr>[-+]?\d+(?:\.\d+)?)dB")


def noise_of(condition: str) -> tuple[str, float] | None:
    """``noise:dishes@-5dB`` -> ("dishes", -5.0); None of any other condition."""
    parts = _NOISE.fullmatch(condition)
    return (parts["noise"], float(parts["snr"])) if parts else None


def by_mean(frame: pd.DataFrame) -> list[str]:
    """Backends, the one most accurate over all its conditions first. ``frame`` is of :func:`shares`."""
    return list(frame.groupby("backend")["accuracy"].mean().sort_values(ascending=False, kind="stable").index)


def condition_tables(run: Run, task: Task) -> dict[str, pd.DataFrame]:
    """``conditions``, ``condition_pairs`` and ``condition_losses``; nothing of a run that heard clean clips only.

    conditions: accuracy with its interval per condition and backend. condition_pairs: the task's test between any two
    backends under one condition, Holm over all. condition_losses: the same between a backend's clean and treated clips;
    lost is the fall of its accuracy, with its interval.
    """
    rows = marks_under_conditions(run)
    if rows["condition"].nunique() < 2:
        return {}
    pairs, losses = _pairs(rows, task), _losses(rows, task)
    return {"conditions": shares(rows), "condition_pairs": pairs, "condition_losses": losses}


def marks_under_conditions(run: Run) -> pd.DataFrame:
    """Outcomes under every condition, in order, of the hardest split that most backends were heard on; no floor."""
    ordered = sorted(conditions(run), key=_order)
    parts = [outcomes(run, condition) for condition in ordered]
    rows = pd.concat(parts, ignore_index=True) if parts else run.predictions
    rows = rows[rows["backend"] != FLOOR]
    treated = rows[rows["condition"] != CLEAN]
    counts = {split: treated[treated["split"] == split]["backend"].nunique() for split in splits(run)}
    return rows[rows["split"] == max(counts, key=lambda name: counts[name], default="")]


def shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Accuracy with its interval per condition and backend."""
    table = []
    for (condition, backend), marks in rows.groupby(["condition", "backend"], sort=False):
        split = str(marks["split"].iloc[0])
        share = stats.share(marks["errors"], marks["units"], clusters(marks, split))
        table.append((split, condition, backend, len(marks), *share))
    return pd.DataFrame(table, columns=["split", "condition", "backend", "clips", *SHARE])


def _pairs(rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    parts = []
    for condition, marks in rows.groupby("condition", sort=False):
        sums = marks.groupby("backend")[["errors", "units"]].sum()
        best_first = (1 - sums["errors"] / sums["units"]).sort_values(ascending=False, kind="stable").index
        pairs = compared(marks, list(best_first), task, _clustered(marks))
        parts.append(pairs.assign(condition=condition, clips=marks["clip"].nunique()))
    pairs = pd.concat(parts, ignore_index=True)
    pairs["holm_p"] = stats.holm(pairs["p"])
    return pairs[["condition", "clips", "a", "b", "a_only", "b_only", "difference", "low", "high", "p", "holm_p"]]


def _losses(rows: pd.DataFrame, task: Task) -> pd.DataFrame:
    table = []
    for backend, marks in rows.groupby("backend"):
        errors = marks.pivot(index="clip", columns="condition", values="errors")
        clips = marks.drop_duplicates("clip").set_index("clip").loc[errors.index]
        units = clips["units"].to_numpy(np.int64)
        speakers = list(clips["speaker"]) if _clustered(marks) else None
        for condition in [name for name in marks["condition"].unique() if name != CLEAN and CLEAN in errors]:
            clean, treated = (errors[name].to_numpy(np.int64) for name in (CLEAN, condition))
            pair = task.paired(clean, treated, units, speakers)
            table.append((condition, backend, len(errors), *pair[:-1]))
    columns = ["condition", "backend", "clips", "clean_only", "treated_only", "lost", "low", "high", "p"]
    frame = pd.DataFrame(table, columns=columns)
    return frame.assign(holm_p=stats.holm(frame["p"]))


def _clustered(marks: pd.DataFrame) -> bool:
    return not SPLITS[str(marks["split"].iloc[0])].heard and bool(marks["speaker"].notna().all())


def _order(condition: str) -> tuple[bool, bool, str, float, str]:
    """Clean, then noises by name and falling SNR, then the others by name."""
    noise = noise_of(condition)
    return (condition != CLEAN, noise is None, *((noise[0], -noise[1]) if noise else ("", 0.0)), condition)

"""Tables of what was answered rightly: shares of units without error, as fractions.

For every task, accuracy is 1 - errors / units; a task's measure says how it is shown.
"""

from __future__ import annotations

import pandas as pd

from bench import stats
from bench.names import LOSO
from bench.report.tables.outcomes import clusters, clusters_of
from bench.splits import SPLITS
from bench.tasks.base import Task

SHARE = ("accuracy", "accuracy_low", "accuracy_high")


def accuracy(rows: pd.DataFrame, task: Task, seed: int) -> pd.DataFrame:
    """A row per backend and split, hardest split and best backend first: accuracy and the task's own figures.

    Splits that speak of unheard speakers have intervals clustered by speaker, where speakers are known.
    """
    table = []
    for (split, backend), marks in rows.groupby(["split", "backend"]):
        speakers = clusters(marks, str(split))
        share = stats.share(marks["errors"], marks["units"], speakers)
        counts = {"clips": len(marks), "right": int((marks["errors"] == 0).sum())}
        figures = task.figures(marks, speakers, seed)
        table.append({"split": split, "backend": backend, **counts, **dict(zip(SHARE, share, strict=True)), **figures})
    columns = ["split", "backend", "clips", "right", *SHARE, *fact_columns(task)]
    frame = pd.DataFrame(table, columns=columns)
    frame["hardness"] = frame["split"].map(list(SPLITS).index).astype(float)
    frame = frame.sort_values(["hardness", "accuracy", "backend"], ascending=[True, False, True])
    return frame.drop(columns="hardness").reset_index(drop=True)


def fact_columns(task: Task) -> list[str]:
    """Raw columns of a task's figures, each with the ends of its interval."""
    return [column for fact in task.facts for column in (fact.key, *(fact.interval or ()))]


def pairs(rows: pd.DataFrame, scores: pd.DataFrame, task: Task) -> pd.DataFrame:
    """Every pair of backends on the same clips of a split, the more accurate one as a; Holm within each split."""
    parts = []
    for split, best_first in scores.groupby("split", sort=False):
        marks = rows[rows["split"] == split]
        comparisons = compared(marks, list(best_first["backend"]), task, clustered=not SPLITS[str(split)].heard)
        parts.append(comparisons.assign(split=split, clips=marks["clip"].nunique()))
    columns = ["split", "clips", "a", "b", "a_only", "b_only", "difference", "low", "high", "p", "holm_p", "a_better"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def compared(marks: pd.DataFrame, order: list[str], task: Task, clustered: bool = True) -> pd.DataFrame:
    """The task's test between any two backends that heard the same clips, in this order."""
    errors = marks.pivot(index="clip", columns="backend", values="errors")[order]
    clips = marks.drop_duplicates("clip").set_index("clip", drop=False).loc[errors.index]
    speakers = list(clusters_of(clips)) if clustered and clips["speaker"].notna().any() else None
    return stats.compare_pairs(errors, clips["units"], task.paired, speakers)


def ranked(scores: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """``accuracy`` with a rank within its split: 1 + the number of backends shown to be better."""
    by_split = {
        split: stats.ranks(list(rows["backend"]), pairs[pairs["split"] == split])
        for split, rows in scores.groupby("split")
    }
    ranks = [by_split[split][name] for split, name in zip(scores["split"], scores["backend"], strict=True)]
    return scores.assign(rank=pd.Series(ranks, scores.index, dtype=int))


def speakers(rows: pd.DataFrame) -> pd.DataFrame:
    """Accuracy on each speaker of the split that leaves speakers out: a row per backend, a ``column`` per speaker."""
    alone = rows[rows["split"] == LOSO]
    alone = alone.assign(speaker=alone["speaker"].map(column))
    sums = alone.groupby(["backend", "speaker"])[["errors", "units"]].sum()
    shares = (sums["units"] - sums["errors"]) / sums["units"]
    return shares.unstack().reset_index().rename_axis(columns=None)


def column(speaker: str) -> str:
    """The name of a speaker's column: the speaker's own, unless tables have a column of that name."""
    return f"speaker {speaker}" if speaker in ("backend", "corpus") else speaker

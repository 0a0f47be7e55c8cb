"""From predictions to right and wrong, split by split; and for what has no figure, why."""

from __future__ import annotations

import pandas as pd

from bench.records.schema import CLEAN, Run
from bench.splits import NOT_TESTED

HARDEST_FIRST = ("cross", "loso", "mixed", "official")
FLOOR = "chance"
"""The backend that is a floor under the others, not a candidate."""


def outcomes(run: Run, condition: str = CLEAN) -> pd.DataFrame:
    """Predictions of every backend and split whose test clips were all heard once, and whether they are right.

    Columns: those of the predictions, and ``right``. Zero-shot predictions are sliced by the split columns of the
    clips. "No digit" is wrong.
    """
    heard = run.predictions[run.predictions["condition"] == condition]
    zero_shot = heard[heard["split"].isna()].drop(columns=["split", "fold"])
    parts = []
    for split in splits(run):
        folds = tested(run, split)
        trained = heard[heard["split"] == split]
        sliced = zero_shot.merge(folds.rename("fold"), left_on="clip", right_index=True).assign(split=split)
        for rows in (trained, sliced):
            parts += [own for _, own in rows.groupby("backend") if _complete(own, folds)]
    table = pd.concat([heard.iloc[:0], *parts], ignore_index=True)[list(heard.columns)]
    return table.assign(right=(table["predicted"] == table["label"]).astype(bool))


def conditions(run: Run) -> list[str]:
    """Conditions that clips were heard under, clean first."""
    return sorted(run.predictions["condition"].unique(), key=lambda name: name != CLEAN)


def _complete(rows: pd.DataFrame, folds: pd.Series) -> bool:
    return len(rows) == len(folds) and set(rows["clip"]) == set(folds.index)


def splits(run: Run) -> list[str]:
    """Splits that were run, hardest first."""
    return [split for split in HARDEST_FIRST if split in run.clips and run.clips[split].notna().any()]


def title(run: Run, split: str) -> str:
    """A split as tables are headed: of ``cross``, which corpora it is between."""
    return str(run.info["corpus"]["name"]) if split == "cross" else split


def clusters(rows: pd.DataFrame, split: str) -> pd.Series | None:
    """The speakers that a split's intervals are clustered by, or None where clips are taken as independent.

    ``loso`` and ``cross`` speak of unheard speakers; ``cross`` needs every test clip's speaker and two at the least.
    """
    speakers = rows["speaker"]
    known = split == "loso" or (split == "cross" and speakers.notna().all() and speakers.nunique() > 1)
    return speakers if known else None


def interval_method(run: Run, split: str) -> str:
    """How the intervals of a split's accuracy are made, in words."""
    rows = run.clips[run.clips["clip"].isin(tested(run, split).index)]
    return "Wilson" if clusters(rows, split) is None else "clustered by speaker"


def tested(run: Run, split: str) -> pd.Series:
    """Fold that tests each test clip of ``split``, by clip id."""
    column = run.clips.set_index("clip")[split]
    return column[column.notna() & ~column.isin(NOT_TESTED)]


def backends(run: Run) -> list[str]:
    """Every backend that was asked for, whatever became of it."""
    named = [entry["name"] for entry in run.info["backends"]]
    tried = [entry["backend"] for entry in [*run.info["cells"], *run.info["failures"]]]
    return sorted({*named, *tried})


def family(backend: str) -> str:
    """``faster-whisper:base`` is of family faster-whisper, ``mfcc-svm`` of mfcc."""
    head, colon, _ = backend.partition(":")
    return head if colon else head.partition("-")[0]


def failure(run: Run, backend: str, phase: str, split: str | None = None, condition: str = CLEAN) -> str | None:
    """Why a backend has no figure in ``phase``, if that is because something failed."""
    for cell in run.info["cells"]:
        same = phase == "accuracy" and cell["backend"] == backend and cell["split"] in (None, split)
        same = same and cell["condition"] == condition
        if same and cell["status"] == "failed":
            return str(cell["reason"])
    for entry in run.info["failures"]:
        if entry["backend"] == backend and entry["phase"] in (phase, "prepare"):
            return str(entry["reason"])
    return None


def absence(run: Run, backend: str, split: str) -> str:
    """Why a backend that did not fail has no accuracy on ``split``."""
    rows = run.predictions[run.predictions["backend"] == backend]
    mine = rows[rows["split"].isna() | (rows["split"] == split)]
    clips = set(tested(run, split).index)
    heard = mine[mine["clip"].isin(clips)]
    if heard["clip"].duplicated().any():
        return f"the records of {backend} hold a clip of {split} twice"
    return f"{backend} heard {len(heard):,} of the {len(clips):,} test clips of {split}" + (
        ": a figure needs them all" if len(heard) else ""
    )

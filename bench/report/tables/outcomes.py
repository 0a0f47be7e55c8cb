"""From predictions to marks, split by split; and for what has no figure, why."""

from __future__ import annotations

import pandas as pd

from bench.names import CLEAN, CROSS, Name
from bench.records.schema import Run
from bench.splits import SPLITS, TEST


def outcomes(run: Run, condition: str = CLEAN) -> pd.DataFrame:
    """Marked predictions of every backend and split whose test clips were all heard once.

    Zero-shot predictions are sliced by the splits. No answer is wrong.
    """
    rows = run.predictions[run.predictions["condition"] == condition]
    zero_shot = rows[rows["split"].isna()].drop(columns=["split", "fold"])
    parts = []
    for split in splits(run):
        folds = tested(run, split)
        trained = rows[rows["split"] == split]
        sliced = zero_shot.merge(folds.rename("fold"), left_on="clip", right_index=True).assign(split=split)
        for kind in (trained, sliced):
            parts += [whole for _, whole in kind.groupby("backend") if _complete(whole, folds)]
    return pd.concat([rows.iloc[:0], *parts], ignore_index=True)[list(rows.columns)]


def conditions(run: Run) -> list[str]:
    """Conditions that clips were heard under, clean first."""
    return sorted(run.predictions["condition"].unique(), key=lambda name: name != CLEAN)


def _complete(rows: pd.DataFrame, folds: pd.Series) -> bool:
    return len(rows) == len(folds) and set(rows["clip"]) == set(folds.index)


def splits(run: Run) -> list[str]:
    """Splits that were run, hardest first."""
    ran = set(run.splits["split"].unique())
    return [split for split in SPLITS if split in ran]


def title(run: Run, split: str) -> str:
    """A split as tables are headed: of ``cross``, which corpora it is between."""
    return str(run.info["corpus"]["name"]) if split == CROSS else split


def clusters(rows: pd.DataFrame, split: str) -> pd.Series | None:
    """The speakers that a split's intervals are clustered by, or None where clips are taken as independent.

    Splits that speak of unheard speakers are clustered, where speakers are known and there are two.
    """
    known = not SPLITS[split].heard and rows["speaker"].nunique() > 1
    return clusters_of(rows) if known else None


def clusters_of(rows: pd.DataFrame) -> pd.Series:
    """The speaker of each clip; a clip whose speaker nobody knows is a cluster of its own."""
    return rows["speaker"].astype(object).where(rows["speaker"].notna(), "\0" + rows["clip"].astype(str))


def interval_method(run: Run, split: str) -> str:
    """How the intervals of a split's accuracy are made, in words."""
    rows = run.clips[run.clips["clip"].isin(tested(run, split).index)]
    return "Wilson" if clusters(rows, split) is None else "clustered by speaker"


def tested(run: Run, split: str) -> pd.Series:
    """Fold that tests each test clip of ``split``, by clip id."""
    rows = run.splits[(run.splits["split"] == split) & (run.splits["part"] == TEST)]
    return rows.set_index("clip")["fold"]


def backends(run: Run) -> list[str]:
    """Every backend that was asked for, whatever became of it."""
    named = [entry["name"] for entry in run.info["backends"]]
    tried = [entry["backend"] for entry in [*run.info["cells"], *run.info["failures"]]]
    return sorted({*named, *tried})


def family(backend: str) -> str:
    """``faster-whisper:base`` is of family faster-whisper, ``mfcc-svm`` of mfcc."""
    name = Name.parse(backend)
    return name.family if name.variant else name.family.partition("-")[0]


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
    mine = run.predictions[run.predictions["backend"] == backend]
    mine = mine[mine["split"].isna() | (mine["split"] == split)]
    clips = set(tested(run, split).index)
    rows = mine[mine["clip"].isin(clips)]
    if rows["clip"].duplicated().any():
        return f"the records of {backend} hold a clip of {split} twice"
    return f"{backend} heard {len(rows):,} of the {len(clips):,} test clips of {split}" + (
        ": a figure needs them all" if len(rows) else ""
    )

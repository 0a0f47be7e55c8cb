"""Tables of what was heard rightly. Shares are fractions, not per cent."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from bench import stats
from bench.records.schema import Run
from bench.report.tables.outcomes import HARDEST_FIRST, clusters

TEXTS = 10


def accuracy(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """A row per backend and split, best first: accuracy, macro-F1 and no-digit share with their intervals.

    loso and cross speak of unheard speakers, so their intervals are clustered by speaker where speakers are known.
    """
    table = []
    for (split, backend), own in rows.groupby(["split", "backend"]):
        speakers = clusters(own, str(split))
        right, n = int(own["right"].sum()), len(own)
        share = stats.wilson(right, n) if speakers is None else stats.clustered(own["right"], speakers)
        f1 = stats.macro_f1(own["label"], own["predicted"], speakers, seed=seed)
        silent = float(own["predicted"].isna().mean())
        table.append((split, backend, n, right, *share, *f1, silent))
    columns = ["split", "backend", "clips", "right", "accuracy", "accuracy_low", "accuracy_high"]
    columns += ["macro_f1", "macro_f1_low", "macro_f1_high", "no_digit"]
    frame = pd.DataFrame(table, columns=columns)
    frame["hardness"] = frame["split"].map(HARDEST_FIRST.index).astype(float)
    frame = frame.sort_values(["hardness", "accuracy", "backend"], ascending=[True, False, True])
    return frame.drop(columns="hardness").reset_index(drop=True)


def pairs(rows: pd.DataFrame, scores: pd.DataFrame) -> pd.DataFrame:
    """Every pair of backends on the same clips of a split, the more accurate one as a; Holm within each split."""
    parts = []
    for split, own in scores.groupby("split", sort=False):
        right = rows[rows["split"] == split].pivot(index="clip", columns="backend", values="right")
        parts.append(stats.compare_pairs(right[list(own["backend"])]).assign(split=split, clips=len(right)))
    columns = ["split", "clips", "a", "b", "a_only", "b_only", "p", "holm_p"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def ranked(scores: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """``accuracy`` with a rank within its split: 1 + the number of backends shown to be better."""
    own = {
        split: stats.ranks(list(rows["backend"]), pairs[pairs["split"] == split])
        for split, rows in scores.groupby("split")
    }
    ranks = [own[split][name] for split, name in zip(scores["split"], scores["backend"], strict=True)]
    return scores.assign(rank=pd.Series(ranks, scores.index, dtype=int))


def speakers(rows: pd.DataFrame) -> pd.DataFrame:
    """Accuracy on each speaker of loso, who was left out of training: a row per backend, a ``column`` per speaker."""
    loso = rows[rows["split"] == "loso"]
    loso = loso.assign(speaker=loso["speaker"].map(column))
    return loso.groupby(["backend", "speaker"])["right"].mean().unstack().reset_index().rename_axis(columns=None)


def column(speaker: str) -> str:
    """The name of a speaker's column: the speaker's own, unless tables have a column of that name."""
    return f"speaker {speaker}" if speaker in ("backend", "corpus") else speaker


def confusion(rows: pd.DataFrame) -> pd.DataFrame:
    """How often each backend heard which label for which; "no digit" is an empty predicted."""
    keys = ["split", "backend", "label", "predicted"]
    filled = rows.assign(predicted=rows["predicted"].astype(object).where(rows["predicted"].notna(), ""))
    return filled.groupby(keys).size().rename("clips").reset_index()


def wrong_texts(run: Run) -> pd.DataFrame:
    """The ten commonest texts of each backend that did not give the label: how often, and what had been said."""
    heard = run.predictions
    heard = heard[heard["text"].notna() & heard["split"].isna() & (heard["condition"] == "clean")]
    wrong = heard[(heard["predicted"] != heard["label"]).astype(bool)]
    wrong = wrong.assign(text=wrong["text"].str.strip(), predicted=wrong["predicted"].astype(object))
    wrong["predicted"] = wrong["predicted"].where(wrong["predicted"].notna(), "")
    if wrong.empty:
        return pd.DataFrame(columns=["backend", "text", "predicted", "clips", "labels"])
    counts = wrong.groupby(["backend", "text", "predicted"])["label"].agg(clips="size", labels=_tally).reset_index()
    counts = counts.sort_values(["backend", "clips", "text"], ascending=[True, False, True])
    return counts.groupby("backend").head(TEXTS).reset_index(drop=True)


def agreement(run: Run) -> pd.DataFrame:
    """Engines on the same weights: zero-shot backends that write text and share the variant after the colon."""
    heard = run.predictions
    heard = heard[heard["text"].notna() & heard["split"].isna() & (heard["condition"] == "clean")]
    rows = []
    for a, b in combinations(sorted(heard["backend"].unique()), 2):
        variant = a.partition(":")[2]
        if not variant or variant != b.partition(":")[2]:
            continue
        both = heard[heard["backend"] == a].merge(heard[heard["backend"] == b], on="clip")
        if both.empty:
            continue
        left, right = both["predicted_x"], both["predicted_y"]
        same_label = (left == right).astype(bool) | (left.isna() & right.isna())
        same_text = both["text_x"].str.strip() == both["text_y"].str.strip()
        rows.append((variant, a, b, len(both), float(same_label.mean()), float(same_text.mean())))
    return pd.DataFrame(rows, columns=["variant", "a", "b", "clips", "same_label", "same_text"])


def calibration(rows: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """Brier score, calibration error and macro AUC of backends that score every clip.

    The first two only where scores are probabilities.
    """
    table = []
    for (split, backend), own in rows.groupby(["split", "backend"]):
        if own["scores"].isna().any():
            continue
        scores = np.stack([np.asarray(row, dtype=np.float64) for row in own["scores"]])
        truth = np.array([labels.index(label) for label in own["label"]])
        proper = stats.probabilities(scores)
        brier, ece = (f(scores, truth) if proper else np.nan for f in (stats.brier, stats.calibration_error))
        table.append((split, backend, len(own), brier, ece, stats.macro_auc(scores, truth)))
    return pd.DataFrame(table, columns=["split", "backend", "clips", "brier", "ece", "macro_auc"])


def _tally(labels: pd.Series) -> str:
    """ "5 (12), 9 (3)", commonest first."""
    counts = labels.value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return ", ".join(f"{label} ({count})" for label, count in ordered)

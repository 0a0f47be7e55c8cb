"""False accepts at a threshold that keeps most digits: chosen on dev words, counted on test words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.rejection.sounds import DIGIT, NOISE, OTHER, SPEECH
from bench.rejection.words import DEV, TEST
from bench.stats.intervals import Interval, wilson

RECALL = 0.95
"""Of digits, that a threshold is to keep."""
SECOND = 0.75
"""Weight of the backend that confirms."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One backend's. Shares with 95 % intervals; ``right``: of the digits accepted, those named rightly."""

    backend: str
    threshold: float
    auc: float
    dev: tuple[float, float]
    """Digits and other words accepted in the part that the threshold was chosen on."""
    recall: Interval
    accepts: Interval
    at_recall: float
    """Other test words accepted where ``RECALL`` of the test digits are: no threshold that can be chosen beforehand."""
    right: float
    a_minute: Mapping[str, float]
    """False triggers, by kind of sound."""


def threshold(certainty: pd.Series, recall: float = RECALL) -> float:
    """The highest certainty that keeps that share of digits. Raises ValueError without one."""
    ordered = np.sort(certainty.to_numpy(float))[::-1]
    if not len(ordered):
        raise ValueError("no digits to choose a threshold on")
    return float(ordered[int(np.ceil(recall * len(ordered))) - 1])


def area(digits: pd.Series, others: pd.Series) -> float:
    """Area under the ROC curve: how often a digit is more certain than another word, ties counting half."""
    below = np.searchsorted(np.sort(others), digits, "left").sum()
    ties = np.searchsorted(np.sort(others), digits, "right").sum() - below
    return float((below + ties / 2) / (len(digits) * len(others))) if len(digits) and len(others) else float("nan")


def figures(backend: str, rows: pd.DataFrame, minutes: Mapping[str, float]) -> Figures:
    """Of the rows that :mod:`bench.rejection.measure` wrote. Raises ValueError where a part has none."""

    def sure(part: str, kind: str) -> pd.Series:
        return rows.loc[(rows["part"] == part) & (rows["kind"] == kind), "certainty"]

    limit = threshold(sure(DEV, DIGIT))
    dev = float((sure(DEV, DIGIT) >= limit).mean()), float((sure(DEV, OTHER) >= limit).mean())
    digits, others = sure(TEST, DIGIT), sure(TEST, OTHER)
    kept, false = int((digits >= limit).sum()), int((others >= limit).sum())
    accepted = rows[(rows["part"] == TEST) & (rows["kind"] == DIGIT) & (rows["certainty"] >= limit)]
    return Figures(
        backend,
        limit,
        area(digits, others),
        dev,
        wilson(kept, len(digits)),
        wilson(false, len(others)),
        float((others >= threshold(digits)).mean()),
        float((accepted["heard"] == accepted["label"]).mean()),
        {
            kind: float((sure(TEST, kind) >= limit).sum()) / minutes[kind]
            for kind in (NOISE, SPEECH)
            if minutes.get(kind)
        },
    )


def confirmed(first: pd.DataFrame, second: pd.DataFrame, labels: tuple[str, ...]) -> pd.DataFrame:
    """The label of which both together are surest, and how sure: a geometric mean of the first one's score of it and of
    what the second gives it, its certainty times the label's share of that of its best; weights chosen on dev words."""
    mine, shares = (np.array(rows["scores"].tolist(), float) for rows in (first, second))
    theirs = second["certainty"].to_numpy(float)[:, np.newaxis] * shares / shares.max(axis=1, keepdims=True)
    together = theirs**SECOND * mine ** (1 - SECOND)
    answers = np.array(labels)[together.argmax(axis=1)]
    return first.assign(heard=answers, certainty=together.max(axis=1))

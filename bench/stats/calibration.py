"""Do scores mean what they say? Scores are arrays of shape (clips, labels); truth holds column numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

BINS = 15

Floats = NDArray[np.float64]
Codes = NDArray[np.intp]


def probabilities(scores: Floats) -> bool:
    """Whether every row is a distribution: not negative, summing to 1 within 1e-3 (scores are stored as float32)."""
    return bool(np.all(scores >= 0) and np.allclose(scores.sum(axis=1), 1, atol=1e-3))


def brier(scores: Floats, truth: Codes) -> float:
    """Mean squared distance of the probabilities from the truth, summed over labels: 0 best, 2 worst (Brier 1950)."""
    errors = scores.copy()
    errors[np.arange(len(truth)), truth] -= 1
    return float((errors**2).sum(axis=1).mean())


def calibration_error(scores: Floats, truth: Codes) -> float:
    """Expected calibration error of the likeliest label, over 15 bins of equal width (Guo et al. 2017)."""
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == truth
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(truth))


def macro_auc(scores: Floats, truth: Codes) -> float:
    """Mean over labels of the area under the ROC curve, each label against the rest (Hanley and McNeil 1982).

    Labels that no clip has, or all have, are left out; NaN when none remains.
    """
    areas = []
    for label in range(scores.shape[1]):
        positive = truth == label
        n, m = int(positive.sum()), int((~positive).sum())
        if n and m:
            areas.append((stats.rankdata(scores[:, label])[positive].sum() - n * (n + 1) / 2) / (n * m))
    return float(np.mean(areas)) if areas else float("nan")

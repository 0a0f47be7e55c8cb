"""Choosing hyper-parameters and calibrating scores on training clips alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backends.base import Clip

FOLDS = 5
Matrix = NDArray[np.float64]
Rows = NDArray[np.intp]


def inner_folds(clips: Sequence[Clip], seed: int) -> tuple[list[tuple[Rows, Rows]], str]:
    """Train and test rows of up to five folds, and in words how they were made.

    No speaker is on both sides where three or more are known (a clip of unknown speaker counts as a speaker of its
    own); otherwise stratified by label. No folds where no label has two clips.
    """
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    labels = np.array([clip.label for clip in clips])
    known = {clip.speaker for clip in clips if clip.speaker is not None}
    if len(known) >= 3:
        # NUL cannot be part of a speaker's name, so an unknown speaker never joins a known one
        groups = np.array([f"\0{row}" if c.speaker is None else c.speaker for row, c in enumerate(clips)])
        count = min(FOLDS, len(known))
        return list(GroupKFold(count).split(labels, labels, groups)), f"{count} folds by speaker"
    counts = np.unique(labels, return_counts=True)[1]
    if counts.max() < 2:
        return [], "too few clips to choose on"
    count = min(FOLDS, max(int(counts.min()), 2))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class")  # a label of one clip is heard in one fold alone
        splitter = StratifiedKFold(count, shuffle=True, random_state=seed)
        return list(splitter.split(labels, labels)), f"{count} folds by label"


def temperature(logits: Matrix, truth: Rows) -> float:
    """The T > 0 that gives softmax(logits / T) the lowest log loss (Guo et al. 2017, On Calibration)."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    rows = np.arange(len(truth))

    def loss(log_t: float) -> float:
        return -float(log_softmax(logits / np.exp(log_t), axis=1)[rows, truth].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-5, 3), method="bounded").x))


def softmax(logits: Matrix) -> Matrix:
    """Along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))

"""The linear head of a probe: standardised features -> multinomial logistic regression -> temperature.

Strength of regularisation and temperature (Guo et al. 2017) are chosen on clips held out from training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backends.kit.selection import Matrix, Rows, temperature

STRENGTHS = (0.003, 0.001, 0.01)
"""Inverse strengths of regularisation to try, the default first."""
ITERATIONS = 100

Labels = NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Head:
    """All that training leaves behind. ``coefficients`` (classes, features), ``intercepts`` (classes,), the scaler's
    ``mean`` and ``scale`` (features,), ``classes`` in the order of the rows."""

    classes: tuple[str, ...]
    mean: Matrix
    scale: Matrix
    coefficients: Matrix
    intercepts: Matrix
    temperature: float
    strength: float
    chosen_on: str

    def logits(self, features: Matrix) -> Matrix:
        """Shape (clips, classes)."""
        logits: Matrix = ((features - self.mean) / self.scale) @ self.coefficients.T + self.intercepts
        return logits

    def check(self, labels: Sequence[str], width: int) -> None:
        """Raises ValueError unless the parts read from a file fit together."""
        shapes = [part.shape for part in (self.mean, self.scale, self.coefficients, self.intercepts)]
        classes = len(self.classes)
        sound = (
            1 < classes == len(set(self.classes) & set(labels))
            and shapes == [(width,), (width,), (classes, width), (classes,)]
            and all(np.isfinite(part).all() for part in (self.mean, self.scale, self.coefficients, self.intercepts))
            and (self.scale > 0).all()
            and 0 < self.temperature < np.inf
        )
        if not sound:
            raise ValueError("its parts do not fit together")


def learn(versions: Sequence[Matrix], labels: Labels, rows: Rows, folds: Sequence[tuple[Rows, Rows]], on: str) -> Head:
    """A head for the clips ``rows``; each fold, train and test rows, chooses for it.

    ``versions``: features of every clip, shape (clips, width), then those of copies of the clips that are learned from,
    in the same order. All versions are learned from, the first alone is tested on. ``on``: how the folds were made.
    """
    strength, heat = _choose(versions, labels, folds)
    return _fit(versions, labels, rows, strength, heat, on)


def _choose(versions: Sequence[Matrix], labels: Labels, folds: Sequence[tuple[Rows, Rows]]) -> tuple[float, float]:
    """The strength of the lowest log loss on the held-out clips, and the temperature at which it has it."""
    folds = [(train, test) for train, test in folds if len(set(labels[train])) > 1 and len(test)]
    if not folds:
        return STRENGTHS[0], 1.0
    names = sorted(set(labels.tolist()))
    truth = np.array([names.index(labels[row]) for _, test in folds for row in test])
    trials = []
    for strength in STRENGTHS:
        heads = [_fit(versions, labels, train, strength) for train, _ in folds]
        held_out = [_over(names, head, versions[0][test]) for head, (_, test) in zip(heads, folds, strict=True)]
        logits = np.concatenate(held_out)
        heat = temperature(logits, truth)
        trials.append((_log_loss(logits / heat, truth), strength, heat))
    _, strength, heat = min(trials, key=lambda trial: trial[0])  # min keeps the first of equals
    return strength, heat


def _log_loss(logits: Matrix, truth: Rows) -> float:
    from scipy.special import log_softmax

    return -float(log_softmax(logits, axis=1)[np.arange(len(truth)), truth].mean())


def _over(labels: Sequence[str], head: Head, features: Matrix) -> Matrix:
    """Logits of every label; one that the fold's training never heard gets the lowest of the others."""
    logits = head.logits(features)
    full = np.repeat(logits.min(axis=1, keepdims=True), len(labels), axis=1)
    full[:, [labels.index(label) for label in head.classes]] = logits
    return full


def _fit(
    versions: Sequence[Matrix], labels: Labels, rows: Rows, strength: float, heat: float = 1.0, chosen_on: str = ""
) -> Head:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    features = np.concatenate([version[rows] for version in versions])
    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # labels that mean nothing need not be learned to the end
        classifier = LogisticRegression(C=strength, max_iter=ITERATIONS)
        classifier.fit((features - mean) / scale, np.tile(labels[rows], len(versions)))
    coefficients, intercepts = classifier.coef_, classifier.intercept_
    if len(coefficients) == 1:  # of two classes scikit-learn keeps the second's logit alone
        coefficients, intercepts = (np.concatenate([np.zeros_like(part), part]) for part in (coefficients, intercepts))
    classes = tuple(str(label) for label in classifier.classes_)
    return Head(classes, mean, scale, coefficients, intercepts, heat, strength, chosen_on)

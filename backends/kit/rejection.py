"""Was it a word of the vocabulary at all? How sure a backend is, and from where on that is too little."""

from __future__ import annotations

import numpy as np

from backends.base import Audio, BackendError, Prediction

SILENT = 1 / 32_768
"""A recording whose peak is below one step of 16 bits is digital silence."""
CERTAINTY = "certainty"
"""The fact that a prediction carries where its scores, shares of the vocabulary, do not say it."""
ROUNDING = 1e-3


def certainty(audio: Audio, prediction: Prediction) -> float | None:
    """How sure it is that a word of the vocabulary was said, from 0 to 1; None where the backend does not say.

    Digital silence is 0. Else it is the prediction's own fact ``certainty``, or the largest of its scores where these
    are probabilities. It orders what was heard; of what is no word of the vocabulary it is no probability.
    """
    if np.abs(audio).max(initial=0.0) < SILENT:
        return 0.0
    if prediction.facts and CERTAINTY in prediction.facts:
        return float(prediction.facts[CERTAINTY])
    scores = list((prediction.scores or {}).values())
    sums = bool(scores) and min(scores) >= 0 and abs(sum(scores) - 1) < ROUNDING
    return float(max(scores)) if sums else None


def rejected(sure: float | None, reject_below: float) -> bool:
    """Whether an answer of that certainty counts as no word of the vocabulary: silence always does."""
    return sure is not None and (sure == 0 or sure < reject_below)


def threshold(name: str, reject_below: object) -> float:
    """The option ``reject_below`` of a backend. Raises BackendError unless it is a number from 0 to 1."""
    if isinstance(reject_below, bool) or not isinstance(reject_below, int | float) or not 0 <= reject_below <= 1:
        raise BackendError(f"{name}: reject_below must be a number from 0 to 1, not {reject_below!r}")
    return float(reject_below)

"""Scores as people and programs outside take them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bench.live.lanes import Reply


def probabilities(scores: Mapping[str, float]) -> dict[str, float]:
    """Scores as shares of 1: as they are where they are shares already, else by softmax."""
    values = np.array(list(scores.values()), np.float64)
    if len(values) and not (np.all(values >= 0) and np.isclose(values.sum(), 1, atol=1e-3)):
        raised = np.exp(values - values.max())
        values = raised / raised.sum()
    return dict(zip(scores, map(float, values), strict=True))


def best(scores: Mapping[str, float] | None, most: int) -> list[tuple[str, float]]:
    """The highest of :func:`probabilities`."""
    return sorted(probabilities(scores or {}).items(), key=lambda pair: -pair[1])[:most]


def answer(reply: Reply) -> dict[str, Any]:
    """One backend's reply as ``/predict`` gives it: digit, probs, latency_ms and backend, or an error in place of the
    middle two."""
    if reply.said is None:
        why = f"{reply.state}: {reply.error}" if reply.error else reply.state
        return {"digit": None, "backend": reply.backend, "error": why}
    return {
        "digit": reply.said["label"],
        "probs": probabilities(reply.said["scores"] or {}),
        "latency_ms": round(1e3 * (reply.features_s + reply.model_s), 3),
        "backend": reply.backend,
    }

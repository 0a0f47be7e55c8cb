"""Intervals of any statistic by resampling whole speakers: the percentile bootstrap (Efron and Tibshirani 1993)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.stats import Interval

DRAWS = 1_000

Rows = NDArray[np.intp]


def interval(
    clusters: Sequence[str], statistic: Callable[[Rows], float], draws: int = DRAWS, seed: int = 0
) -> Interval:
    """``statistic`` of all rows and its 95 % interval; draws in which it is not finite are left out.

    ``statistic`` takes places of rows, some of them several times. Raises ValueError without rows.
    """
    if not len(clusters):
        raise ValueError("no rows to resample")
    _, of = np.unique(np.asarray(clusters), return_inverse=True)
    members = [np.flatnonzero(of == cluster) for cluster in range(of.max() + 1)]
    rng = np.random.default_rng(seed)
    drawn = [
        statistic(np.concatenate([members[pick] for pick in rng.integers(len(members), size=len(members))]))
        for _ in range(draws)
    ]
    value = statistic(np.arange(len(of)))
    kept = np.array(drawn)[np.isfinite(drawn)]
    if not len(kept):
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(kept, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def shown(estimate: Interval, digits: int = 2, sign: bool = False) -> str:
    """``1.23 [0.98, 1.50]``."""
    form = f"{'+' if sign else ''}.{digits}f"
    return f"{estimate.value:{form}} [{estimate.low:{form}}, {estimate.high:{form}}]"

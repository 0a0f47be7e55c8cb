"""Figures of raw timings, in seconds."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

CONFIDENCE = 0.99


@cache
def calls_needed(percent: float) -> int:
    """Fewest timed calls from which a percentile above the median may be told: 64 for p90, 130 for p95, 662 for p99.

    The binomial rule of MLPerf LoadGen's early stopping with one call let off: the smallest n of which, at 99 %
    confidence, at least two lie beyond the true percentile, so that it is not one hiccup that is read. The median has
    no floor.
    """
    if percent <= 50:
        return 1
    n = 2
    while stats.binom.cdf(1, n, 1 - percent / 100) > 1 - CONFIDENCE:
        n += 1
    return n


def percentile(seconds: ArrayLike, percent: float) -> float:
    """The percentile, linear between order statistics; NaN with fewer calls than :func:`calls_needed`."""
    values = np.asarray(seconds, dtype=np.float64)
    if len(values) < calls_needed(percent):
        return float("nan")
    return float(np.percentile(values, percent))


def real_time_factor(processing: ArrayLike, audio: ArrayLike) -> tuple[float, float]:
    """Processing time over audio duration, below 1 is faster than real time: of the sums, and the mean over clips."""
    spent, durations = np.asarray(processing, dtype=np.float64), np.asarray(audio, dtype=np.float64)
    return float(spent.sum() / durations.sum()), float((spent / durations).mean())

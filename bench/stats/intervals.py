"""Intervals of one backend's figures.

The ``clusters`` of ``share`` and ``macro_f1`` are for claims about speakers: clips of one speaker are right and wrong
together, so six speakers are six observations, however many clips they spoke.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

DRAWS = 2000

Floats = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate and the ends of its confidence interval."""

    value: float
    low: float
    high: float


def wilson(successes: int, n: int, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion (Wilson 1927). Raises ValueError unless 0 <= successes <= n and n > 0."""
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} successes of {n} is not a proportion")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Interval(p, float(max(min(centre - half, p), 0)), float(min(max(centre + half, p), 1)))


def share(
    errors: ArrayLike,
    units: ArrayLike,
    clusters: Sequence[Any] | pd.Series | None = None,
    confidence: float = 0.95,
) -> Interval:
    """Interval of the share of units without error, 1 - errors / units; both are counts by clip.

    Clips that are right or wrong and taken as independent have that of :func:`wilson`. Else the share is a ratio of
    sums whose variance is robust to clusters (Liang and Zeger 1986), clips being their own where none are given, with a
    t quantile of k - 1 degrees of freedom: with equal clusters, the t interval of their means. A cluster bootstrap was
    not chosen because it is too narrow for few clusters. Never narrower than :func:`wilson` of the units, which
    it would be when speakers happen to agree. One cluster says nothing of another: the interval is then all of [0, 1].
    More errors than units make the share negative. Raises ValueError without units.
    """
    wrong, size = np.asarray(errors, np.float64), np.asarray(units, np.float64)
    total, lost = float(size.sum()), float(wrong.sum())
    if not total:
        raise ValueError("no units: there is no share of them")
    value = (total - lost) / total
    sound = bool((wrong <= size).all())
    floor = wilson(round(total - lost), round(total), confidence) if sound else Interval(value, value, value)
    if clusters is None and bool((size == 1).all()) and sound:
        return floor
    by_cluster = pd.DataFrame({"lost": wrong, "size": size}).groupby(
        np.arange(len(size)) if clusters is None else np.asarray(clusters)
    ).sum()  # fmt: skip
    k = len(by_cluster)
    if k < 2:
        return Interval(value, min(value, 0.0), 1.0)
    residuals = (1 - value) * by_cluster["size"] - by_cluster["lost"]
    error = np.sqrt(k / (k - 1) * float((residuals**2).sum())) / total
    half = float(stats.t.ppf((1 + confidence) / 2, k - 1)) * error
    low = min(value - half, floor.low)
    return Interval(value, max(low, 0.0) if sound else low, min(max(value + half, floor.high), 1.0))


def macro_f1(
    truth: Sequence[str] | pd.Series,
    predicted: Sequence[str | None] | pd.Series,
    clusters: Sequence[Any] | pd.Series | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Unweighted mean of F1 over the labels in ``truth``, with a bootstrap interval of expanded percentiles.

    None, "no digit", is a class of its own that is never true: a miss of the clip's label, a false alarm of none.
    Clips are resampled, which is drawing the confusion matrix from a multinomial and takes no loop. Where clusters are
    given they are resampled too, and the wider interval holds: few clusters have few resamples, and look too sure.
    """
    labels = sorted(set(truth))
    width = len(labels) + 1
    rows = pd.Categorical(pd.Series(truth, dtype=object), categories=labels).codes.astype(int)
    columns = pd.Categorical(pd.Series(predicted, dtype=object).where(lambda s: s.isin(labels)), categories=labels)
    cells = rows * width + np.where(columns.codes < 0, len(labels), columns.codes)
    shape, size = (-1, len(labels), width), len(labels) * width
    counts = np.bincount(cells, minlength=size)
    value = float(_f1(counts.reshape(shape))[0])
    rng = np.random.default_rng(seed)
    resamples = [(len(cells), rng.multinomial(len(cells), counts / len(cells), size=DRAWS))]
    if clusters is not None:
        groups, names = pd.factorize(np.asarray(clusters))
        k = len(names)
        per_group = np.bincount(groups * size + cells, minlength=k * size).reshape(k, size)
        resamples.append((k, rng.multinomial(k, np.full(k, 1 / k), size=DRAWS) @ per_group))
    if resamples[-1][0] < 2:
        return Interval(value, 0.0, 1.0)
    ends = [value]
    for n, draws in resamples:
        tail = expanded_tail(n, confidence)
        ends += [float(end) for end in np.quantile(_f1(draws.reshape(shape)), [tail, 1 - tail])]
    return Interval(value, min(ends), max(ends))


def expanded_tail(n: int, confidence: float) -> float:
    """Share to cut off each end of a bootstrap of n units, less for small n (expanded percentile, Hesterberg 2015)."""
    return float(stats.norm.sf(np.sqrt(n / (n - 1)) * stats.t.ppf((1 + confidence) / 2, n - 1)))


def _f1(confusion: NDArray[np.int64]) -> Floats:
    """Macro-F1 of confusion matrices, shape (matrices, labels, labels + 1): rows true, last column no label."""
    square = confusion[:, :, :-1]
    hits = np.einsum("mll->ml", square)
    total = confusion.sum(axis=2) + square.sum(axis=1)
    f1 = np.divide(2 * hits, total, out=np.full(hits.shape, np.nan), where=total > 0)
    return np.asarray(np.nanmean(f1, axis=1), dtype=np.float64)

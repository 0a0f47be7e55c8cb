"""Two backends on the same clips: which differences are real."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from bench.stats.intervals import DRAWS, Interval, expanded_tail

ALPHA = 0.05
TICK = 1e-9
"""Seconds; what no clock tells apart from nothing."""
MIN_ROUNDS, MAX_BLOCKS, FALLBACK_BLOCKS = 6, 50, 20

Errors = NDArray[np.int64]


class Pair(NamedTuple):
    """Two backends on the same clips: clips on which one alone makes fewer errors, the share of units without error of
    a less that of b with its interval, how likely such a difference is where there is none, and whether what the test
    looks at speaks for a."""

    a_only: int
    b_only: int
    difference: float
    low: float
    high: float
    p: float
    a_better: bool


Test = Callable[[Errors, Errors, Errors, Sequence[str] | None], Pair]
"""Errors of a and of b, units, all by clip, and the speakers where they are known."""


def mcnemar_exact(only_a: int, only_b: int) -> float:
    """Two-sided p of the exact test of equal accuracy (McNemar 1947): a fair coin over the discordant clips.

    only_a, only_b: clips that one backend has right and the other wrong. 1 when there are none.
    """
    n = only_a + only_b
    return min(1.0, 2 * float(stats.binom.cdf(min(only_a, only_b), n, 0.5))) if n else 1.0


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """p-values adjusted so that the chance of any false one among them stays below alpha (Holm 1979)."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def difference(only_a: int, only_b: int, n: int, confidence: float = 0.95) -> Interval:
    """Accuracy of a minus that of b on the same n clips, with the adjusted Wald interval of Bonett and Price (2012)."""
    a, b = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = float(stats.norm.ppf((1 + confidence) / 2)) * float(np.sqrt((a + b - (a - b) ** 2) / (n + 2)))
    return Interval((only_a - only_b) / n, max(a - b - half, -1.0), min(a - b + half, 1.0))


def mcnemar(only_a: int, only_b: int, n: int) -> Pair:
    """:func:`mcnemar_exact` and :func:`difference` together, of n clips that are right or wrong."""
    return Pair(only_a, only_b, *difference(only_a, only_b, n), mcnemar_exact(only_a, only_b), only_a > only_b)


def sign_test(a: Errors, b: Errors, units: Errors, speakers: Sequence[str] | None = None, seed: int = 0) -> Pair:
    """For errors that are not just 0 or 1: the exact sign test over clips (Dixon and Mood 1946) on who makes fewer.

    The interval of the difference of the rates is a paired bootstrap over speakers where they are known, else over
    clips (Bisani and Ney 2004), of expanded percentiles.
    """
    only_a, only_b = int((a < b).sum()), int((b < a).sum())
    value, draws, k = _resampled(a, b, units, speakers, seed)
    return Pair(only_a, only_b, *_ends(value, draws, k), mcnemar_exact(only_a, only_b), only_a > only_b)


def bootstrap_test(a: Errors, b: Errors, units: Errors, speakers: Sequence[str] | None = None, seed: int = 0) -> Pair:
    """For rates of many units a clip: is the difference of the rates more than chance over speakers?

    The paired bootstrap of :func:`sign_test` for interval and p alike: p is Student's t of the difference over its
    standard error in the resamples, with a degree of freedom less than there are speakers (clips where those are not
    known). Never surer than over clips alone, which it would be when few speakers happen to agree. One speaker says
    nothing of another: p is then 1.
    """
    only_a, only_b = int((a < b).sum()), int((b < a).sum())
    value, draws, k = _resampled(a, b, units, speakers, seed)
    error = float(draws.std()) * np.sqrt(k / (k - 1)) if k > 1 else np.inf
    p = float(2 * stats.t.sf(abs(value) / error, k - 1)) if k > 1 and error else float(k < 2 or value == 0)
    pair = Pair(only_a, only_b, *_ends(value, draws, k), p, value > 0)
    if speakers is None:
        return pair
    clips = bootstrap_test(a, b, units, None, seed)
    return pair._replace(low=min(pair.low, clips.low), high=max(pair.high, clips.high), p=max(pair.p, clips.p))


def _resampled(
    a: Errors, b: Errors, units: Errors, speakers: Sequence[str] | None, seed: int
) -> tuple[float, NDArray[np.float64], int]:
    """The rate of b less that of a, the same in resamples of the speakers, and how many speakers there are."""
    codes = np.arange(len(a)) if speakers is None else pd.factorize(np.asarray(speakers))[0]
    k = int(codes.max()) + 1
    gap, size = (np.bincount(codes, weights=column, minlength=k) for column in (b - a, units))
    draws = np.random.default_rng(seed).multinomial(k, np.full(k, 1 / k), size=DRAWS)
    return float(gap.sum() / size.sum()), (draws @ gap) / np.maximum(draws @ size, 1), k


def _ends(value: float, draws: NDArray[np.float64], k: int) -> Interval:
    """The value with the ends of its interval, of expanded percentiles; all there is where k is 1."""
    if k < 2:
        return Interval(value, -np.inf, np.inf)
    tail = expanded_tail(k, 0.95)
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(value, float(min(low, value)), float(max(high, value)))


def compare_pairs(
    errors: pd.DataFrame, units: pd.Series, test: Test, speakers: Sequence[str] | None = None
) -> pd.DataFrame:
    """A task's test over all pairs of columns, Holm-corrected together.

    errors: a row per clip, a column per backend, best first; units by clip. Returns a, b, those of :class:`Pair`, and
    holm_p.
    """
    size = units.to_numpy(np.int64)
    columns = {name: errors[name].to_numpy(np.int64) for name in errors.columns}
    rows = [(a, b, *test(columns[a], columns[b], size, speakers)) for a, b in combinations(errors.columns, 2)]
    table = pd.DataFrame(rows, columns=["a", "b", *Pair._fields])
    return table.assign(holm_p=holm(table["p"]))


def ranks(names: list[str], pairs: pd.DataFrame, alpha: float = ALPHA) -> dict[str, int]:
    """Rank of each backend: 1 + how many are shown to be better than it. What no test separates can share a rank."""
    real = pairs[pairs["holm_p"] < alpha]
    losers = real["b"].where(real["a_better"], real["a"])
    beaten = losers.value_counts()
    return {name: 1 + int(beaten.get(name, 0)) for name in names}


def time_ratio(
    a: ArrayLike,
    b: ArrayLike,
    rounds: ArrayLike | None = None,
    processes: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """How many times as long a takes as b: paired calls in the order made, with an interval.

    Medians of log ratios shrug off hiccups of the machine. ``processes`` names the fresh process of each call. With
    two or more, the estimate is the geometric mean of their medians, and the interval Student's t over them: all calls
    of one process are faster or slower together, by where its memory came to lie (Kalibera and Jones 2013).

    Within one process calls fall into blocks, resampled because a machine that drifts makes neighbouring calls alike
    (block bootstrap, Carlstein 1986): the rounds, merged into at most 50, or with fewer than 6 rounds 20 equal
    stretches. Quantiles are widened for few blocks (expanded percentile interval, Hesterberg 2015). That interval
    speaks of these processes only. With fewer than two calls it is [0, inf].
    """
    first, second = (np.maximum(np.asarray(x, dtype=np.float64), TICK) for x in (a, b))
    logs = np.log(first / second)
    if len(logs) < 2:
        return Interval(float(np.exp(logs.mean())) if len(logs) else np.nan, 0.0, np.inf)
    by_process = pd.Series(logs).groupby(np.zeros(len(logs)) if processes is None else np.asarray(processes)).median()
    k = len(by_process)
    if k > 1:
        value = by_process.mean()
        half = stats.t.ppf((1 + confidence) / 2, k - 1) * by_process.std() / np.sqrt(k)
        return Interval(*(float(np.exp(x)) for x in (value, value - half, value + half)))
    medians = np.array([np.median(logs[block]) for block in _blocks(len(logs), rounds)])
    k = len(medians)
    picks = np.random.default_rng(seed).integers(k, size=(DRAWS, k))
    tail = expanded_tail(k, confidence)
    low, high = np.quantile(medians[picks].mean(axis=1), [tail, 1 - tail])
    value = medians.mean()
    return Interval(*(float(np.exp(x)) for x in (value, min(low, value), max(high, value))))


def _blocks(n: int, rounds: ArrayLike | None) -> list[NDArray[np.intp]]:
    if rounds is not None:
        codes, names = pd.factorize(np.asarray(rounds))
        if len(names) >= MIN_ROUNDS:
            merged = codes * min(len(names), MAX_BLOCKS) // len(names)
            return [np.flatnonzero(merged == block) for block in range(merged.max() + 1)]
    return np.array_split(np.arange(n), min(n, FALLBACK_BLOCKS))

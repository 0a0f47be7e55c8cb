"""Shares of units, one or many a clip, against statsmodels and against what shares of clips have always been."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.stats import Interval, share, sign_test, wilson

CLIPS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 9), st.sampled_from("abcde")), min_size=2, max_size=40
)  # errors, units, speaker


def clustered(right: Sequence[bool], clusters: Sequence[str]) -> Interval:
    """The interval of a share of clips that fall in clusters, as it was before clips could have several units."""
    hits = pd.Series(np.asarray(right, dtype=float))
    n, p = len(hits), float(hits.mean())
    by_cluster = hits.groupby(np.asarray(clusters)).agg(["sum", "count"])
    k = len(by_cluster)
    if k < 2:
        return Interval(p, 0.0, 1.0)
    residuals = by_cluster["sum"] - p * by_cluster["count"]
    half = float(stats.t.ppf(0.975, k - 1)) * float(np.sqrt(k / (k - 1) * (residuals**2).sum())) / n
    floor = wilson(int(hits.sum()), n)
    return Interval(p, max(min(p - half, floor.low), 0.0), min(max(p + half, floor.high), 1.0))


def ratio(errors: np.ndarray, units: np.ndarray, speakers: Sequence[object]) -> tuple[float, float]:
    """The ends by statsmodels: weighted regression of the clips' shares on a constant, robust to clusters."""
    codes = pd.factorize(np.asarray(speakers))[0]
    k, n = codes.max() + 1, len(errors)
    fit = sm.WLS(1 - errors / units, np.ones(n), weights=units).fit(
        cov_type="cluster", cov_kwds={"groups": codes, "use_correction": False}
    )
    half = stats.t.ppf(0.975, k - 1) * float(fit.bse[0]) * np.sqrt(k / (k - 1))
    return float(fit.params[0]) - half, float(fit.params[0]) + half


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd")), min_size=1, max_size=60))
def test_of_one_unit_a_clip_it_is_what_it_was(clips: list[tuple[bool, str]]) -> None:
    right, speakers = [hit for hit, _ in clips], [speaker for _, speaker in clips]
    errors, units = [int(not hit) for hit in right], [1] * len(clips)
    assert share(errors, units, speakers) == pytest.approx(clustered(right, speakers))
    assert share(errors, units) == wilson(sum(right), len(right))


@given(CLIPS, st.booleans())
def test_of_many_units_it_is_the_robust_interval_of_statsmodels(clips: list[tuple[int, int, str]], known: bool) -> None:
    errors, units = (np.array([clip[i] for clip in clips], dtype=float) for i in (0, 1))
    speakers: Sequence[object] = [clip[2] for clip in clips] if known else range(len(clips))
    found = share(errors, units, [clip[2] for clip in clips] if known else None)
    if (not known and (units == 1).all() and (errors <= units).all()) or len(set(speakers)) < 2:
        return
    low, high = ratio(errors, units, speakers)
    value = 1 - errors.sum() / units.sum()
    if (errors <= units).all():
        floor = wilson(int(units.sum() - errors.sum()), int(units.sum()))
        low, high = max(min(low, floor.low), 0.0), max(high, floor.high)
    assert found == pytest.approx((value, low, min(high, 1.0)))


@given(CLIPS)
def test_the_share_lies_within_its_interval(clips: list[tuple[int, int, str]]) -> None:
    errors, units, speakers = (list(column) for column in zip(*clips, strict=True))
    for found in (share(errors, units), share(errors, units, speakers)):
        assert found.low <= found.value <= found.high <= 1


def test_more_errors_than_units_make_it_negative() -> None:
    found = share([30, 25, 40], [10, 10, 10], ["a", "b", "c"])
    assert found.value == pytest.approx(1 - 95 / 30)
    low, high = ratio(np.array([30.0, 25, 40]), np.array([10.0, 10, 10]), ["a", "b", "c"])
    assert found.low == pytest.approx(low) and found.low < found.value < found.high == pytest.approx(high)


def test_one_cluster_of_more_errors_than_units() -> None:
    assert share([5], [2], ["a"]) == Interval(-1.5, -1.5, 1.0)
    assert share([1, 0], [2, 2], ["a", "a"]) == Interval(0.75, 0.0, 1.0)


def test_nothing_wrong_is_not_certain() -> None:
    assert share([0, 0, 0], [4, 5, 6]).low == pytest.approx(wilson(15, 15).low)


@pytest.mark.parametrize("units", [[], [0, 0]])
def test_without_units_there_is_no_share(units: list[int]) -> None:
    with pytest.raises(ValueError, match="no units"):
        share([0] * len(units), units)


@given(CLIPS, st.lists(st.integers(0, 3), min_size=40, max_size=40))
def test_signs_are_counted_by_clip(clips: list[tuple[int, int, str]], others: list[int]) -> None:
    a, units, speakers = (list(column) for column in zip(*clips, strict=True))
    b = others[: len(a)]
    pair = sign_test(np.array(a), np.array(b), np.array(units), speakers)
    fewer, more = (sum(x < y for x, y in zip(*two, strict=True)) for two in ((a, b), (b, a)))
    assert (pair.a_only, pair.b_only) == (fewer, more)
    assert pair.p == (pytest.approx(stats.binomtest(fewer, fewer + more).pvalue) if fewer + more else 1)
    assert pair.difference == pytest.approx((sum(b) - sum(a)) / sum(units))
    assert pair.low <= pair.difference <= pair.high


def test_a_difference_is_that_of_its_reverse() -> None:
    rng = np.random.default_rng(1)
    a, b, units = rng.integers(0, 4, 80), rng.integers(0, 3, 80), rng.integers(1, 9, 80)
    there, back = sign_test(a, b, units), sign_test(b, a, units)
    assert (there.a_only, there.b_only, there.p) == (back.b_only, back.a_only, back.p)
    assert (there.difference, there.low, there.high) == pytest.approx((-back.difference, -back.high, -back.low))


def test_its_interval_is_that_of_a_plain_bootstrap() -> None:
    rng = np.random.default_rng(0)
    a, b, units = rng.integers(0, 3, 400), rng.integers(0, 4, 400), rng.integers(2, 9, 400)
    draws = []
    for _ in range(2000):
        picks = rng.integers(400, size=400)
        draws.append((b[picks].sum() - a[picks].sum()) / units[picks].sum())
    pair = sign_test(a, b, units)
    assert (pair.low, pair.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.01)


def test_speakers_who_differ_make_it_wider() -> None:
    a, units, speakers = np.zeros(60, dtype=int), np.full(60, 4), [name for name in "abcdef" for _ in range(10)]
    b = np.repeat([0, 0, 0, 4, 4, 4], 10)
    alone, together = sign_test(a, b, units), sign_test(a, b, units, speakers)
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_one_speaker_says_nothing_of_others() -> None:
    pair = sign_test(np.array([0, 1]), np.array([2, 1]), np.array([2, 2]), ["a", "a"])
    assert (pair.difference, pair.low, pair.high) == (0.5, -np.inf, np.inf)

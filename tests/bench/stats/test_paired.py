from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest, ttest_1samp
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from bench import stats
from bench.stats import Pair, compare_pairs, difference, holm, mcnemar_exact, ranks, sign_test, time_ratio
from bench.stats.paired import Errors

ROUNDS = np.repeat(np.arange(14), 10)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_is_that_of_statsmodels(b: int, c: int) -> None:
    oracle = mcnemar([[0, b], [c, 0]], exact=True).pvalue if b + c else 1
    assert mcnemar_exact(b, c) == pytest.approx(min(oracle, 1), rel=1e-9)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 200).map(lambda p: p / 200), min_size=1, max_size=30))
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])


def test_holm_of_nothing_is_nothing() -> None:
    assert len(holm([])) == 0


def test_difference_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    tables = rng.multinomial(150, [0.08, 0.03, 0.89], size=3000)
    found = [difference(int(a), int(b), 150) for a, b, _ in tables]
    assert 0.94 < np.mean([each.low <= 0.05 <= each.high for each in found]) < 0.97


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_difference_holds_its_value_and_turns_with_its_sign(a: int, b: int, same: int) -> None:
    n = a + b + same + 1
    there, back = difference(a, b, n), difference(b, a, n)
    assert -1 <= there.low <= there.high <= 1
    assert there == pytest.approx((-back.value, -back.high, -back.low))


def compared(**wrong: range) -> pd.DataFrame:
    """All pairs of backends that have these of 200 clips wrong."""
    errors = pd.DataFrame({name: [int(clip in gone) for clip in range(200)] for name, gone in wrong.items()})
    return compare_pairs(errors, pd.Series(1, errors.index), exact)


def exact(a: Errors, b: Errors, units: Errors, speakers: Sequence[str] | None) -> Pair:
    return stats.mcnemar(int((a < b).sum()), int((b < a).sum()), len(a))


def test_pairs_count_the_clips_only_one_has_right() -> None:
    row = compared(a=range(5), b=range(3, 20)).iloc[0]
    assert (row["a"], row["b"], row["a_only"], row["b_only"]) == ("a", "b", 15, 3)
    assert row["p"] == row["holm_p"] == mcnemar_exact(15, 3)


COUNTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 5)), min_size=2, max_size=60)


@given(COUNTS)
def test_the_sign_test_is_that_of_scipy_and_turns_with_its_sign(rows: list[tuple[int, int, int]]) -> None:
    a, b, units = np.array(rows).T
    there, back = sign_test(a, b, units), sign_test(b, a, units)
    n = int((a != b).sum())
    assert there.p == pytest.approx(binomtest(int((a < b).sum()), n).pvalue if n else 1)
    assert (there.a_only, there.b_only, there.p) == (back.b_only, back.a_only, back.p)
    assert there.difference == pytest.approx((b.sum() - a.sum()) / units.sum())
    assert there[2:5] == pytest.approx((-back.difference, -back.high, -back.low))
    assert there.low <= there.difference <= there.high


@pytest.mark.parametrize("by_speaker", [False, True])
def test_the_interval_of_the_sign_test_covers_the_truth_as_often_as_it_says(by_speaker: bool) -> None:
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        units = rng.integers(1, 10, 150)
        voices = np.repeat(np.arange(30), 5)
        hard = (rng.random(30)[voices] if by_speaker else rng.random(150)) * 0.4
        shift = 0.2 * rng.random(30)[voices] if by_speaker else np.full(150, 0.1)
        a, b = rng.binomial(units, hard), rng.binomial(units, hard + shift)
        found = sign_test(a, b, units, list(map(str, voices)) if by_speaker else None)
        held += found.low <= 0.1 <= found.high
    assert held / 200 == pytest.approx(0.95, abs=0.04)


def test_one_speaker_says_nothing_of_a_difference_on_others() -> None:
    found = sign_test(np.array([0, 0]), np.array([1, 2]), np.array([3, 3]), ["ann", "ann"])
    assert (found.difference, found.low, found.high) == (0.5, -np.inf, np.inf)


def test_ties_rank_as_ties_and_the_worse_below_all_that_beat_it() -> None:
    pairs = compared(a=range(2), b=range(100, 103), c=range(60), d=range(58))
    assert ranks(list("abcd"), pairs) == {"a": 1, "b": 1, "c": 3, "d": 3}


def test_ranks_without_rivals() -> None:
    assert ranks(["only"], compared(only=range(3))) == {"only": 1}


def machine(seed: int, name: int, factor: float = 1) -> NDArray[np.float64]:
    """Calls of 1 ms on a machine that drifts, differs from turn to turn, and has hiccups."""
    shared, own = np.random.default_rng(seed), np.random.default_rng([seed, name])
    drift = np.cumsum(shared.normal(0, 0.05, 14))[ROUNDS]
    turn = own.normal(0, 0.01, 14)[ROUNDS]
    hiccup = np.where(own.random(140) < 0.02, 1 + own.exponential(5, 140), 1)
    return np.asarray(1e-3 * factor * np.exp(drift + turn + own.normal(0, 0.05, 140)) * hiccup)


def test_the_same_backend_twice_is_told_the_same() -> None:
    found = [time_ratio(machine(seed, 1), machine(seed, 2), ROUNDS) for seed in range(200)]
    assert 0.90 <= np.mean([each.low <= 1 <= each.high for each in found]) < 1
    assert np.median([each.value for each in found]) == pytest.approx(1, abs=0.005)


def test_a_planted_delay_of_five_per_cent_is_told_apart() -> None:
    found = [time_ratio(machine(seed, 1, 1.05), machine(seed, 2), ROUNDS) for seed in range(100)]
    assert np.mean([each.low > 1 for each in found]) >= 0.95
    assert np.median([each.value for each in found]) == pytest.approx(1.05, abs=0.01)


def test_a_ratio_turned_over_is_one_over_it() -> None:
    a, b = machine(0, 1, 1.3), machine(0, 2)
    there, back = time_ratio(a, b, ROUNDS), time_ratio(b, a, ROUNDS)
    assert there == pytest.approx((1 / back.value, 1 / back.high, 1 / back.low), rel=0.01)


PROCESSES = np.repeat(np.arange(5), 28)


def fresh(seed: int, name: int, factor: float = 1) -> NDArray[np.float64]:
    """Calls of 1 ms in five processes, each a little faster or slower for as long as it lives."""
    rng = np.random.default_rng([seed, name])
    return np.asarray(1e-3 * factor * np.exp(rng.normal(0, 0.005, 5)[PROCESSES] + rng.normal(0, 0.05, 140)))


def test_offsets_of_processes_are_not_taken_for_a_difference() -> None:
    pairs = [(fresh(seed, 1), fresh(seed, 2)) for seed in range(400)]
    found = [time_ratio(a, b, ROUNDS, PROCESSES) for a, b in pairs]
    assert 0.93 <= np.mean([each.low <= 1 <= each.high for each in found]) <= 0.97


def test_calls_by_the_thousand_of_one_process_do_not_make_up_for_its_offset() -> None:
    rng = np.random.default_rng(0)
    pairs = [np.exp(rng.normal(0, 0.005, (2, 1)) + rng.normal(0, 0.05, (2, 3000))) for _ in range(100)]
    found = [time_ratio(a, b, np.arange(3000) // 10) for a, b in pairs]
    assert np.mean([each.low <= 1 <= each.high for each in found]) < 0.8


def test_a_planted_delay_of_five_per_cent_is_told_apart_over_processes() -> None:
    found = [time_ratio(fresh(seed, 1, 1.05), fresh(seed, 2), ROUNDS, PROCESSES) for seed in range(100)]
    assert np.mean([each.low > 1 for each in found]) >= 0.9


def test_over_processes_the_interval_is_that_of_scipy() -> None:
    a, b = fresh(0, 1, 1.3), fresh(0, 2)
    medians = [np.median(np.log(a / b)[process == PROCESSES]) for process in range(5)]
    found = time_ratio(a, b, ROUNDS, PROCESSES)
    oracle = ttest_1samp(medians, 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((np.exp(float(oracle.low)), np.exp(float(oracle.high))))
    back = time_ratio(b, a, ROUNDS, PROCESSES)
    assert found == pytest.approx((1 / back.value, 1 / back.high, 1 / back.low))


@pytest.mark.parametrize("calls", [2, 3, 30, 500])
@pytest.mark.parametrize("rounds", [None, "one", "each"])
def test_any_number_of_calls_and_rounds_gives_an_interval(calls: int, rounds: str | None) -> None:
    numbers = {"one": np.zeros(calls), "each": np.arange(calls)}.get(rounds or "")
    noise = np.exp(np.random.default_rng(0).normal(0, 0.1, calls))
    found = time_ratio(2 * noise, np.ones(calls), numbers)
    assert 0 < found.low < found.value < found.high < 4


def test_one_call_shows_nothing() -> None:
    assert time_ratio([2], [1]) == (2, 0, np.inf)


def test_a_time_of_nothing_is_a_tick() -> None:
    assert np.isfinite(time_ratio([1e-3] * 5, [0.0] * 5).value)


def test_a_bootstrap_of_equal_speakers_is_the_t_test_of_their_differences() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.integers(0, 4, 40), rng.integers(0, 6, 40)
    units = np.full(40, 10)
    found = stats.bootstrap_test(a, b, units, [str(i) for i in range(40)])
    oracle = ttest_1samp(b - a, 0)
    assert found.difference == pytest.approx((b - a).sum() / 400)
    assert found.p == pytest.approx(oracle.pvalue, rel=0.25)
    ends = oracle.confidence_interval()
    assert (found.low, found.high) == pytest.approx((ends.low / 10, ends.high / 10), abs=0.02)
    assert found.a_better == (found.difference > 0)


def test_a_bootstrap_heeds_who_speaks() -> None:
    a, b, units = np.tile([0, 1], 30), np.tile([1, 1], 30), np.full(60, 5)
    alone = stats.bootstrap_test(a, b, units)
    three = stats.bootstrap_test(a, b, units, ["x"] * 20 + ["y"] * 22 + ["z"] * 18)
    assert three.difference == alone.difference and three.p >= alone.p  # the three agree to the last digit
    assert three.low <= alone.low and three.high >= alone.high
    one = stats.bootstrap_test(a, b, units, ["x"] * 60)
    assert one.p == 1 and (one.low, one.high) == (-np.inf, np.inf)


def test_a_bootstrap_of_the_same_is_no_difference() -> None:
    same = np.array([0, 3, 1, 2])
    found = stats.bootstrap_test(same, same, np.full(4, 5))
    assert (found.difference, found.low, found.high, found.p) == (0, 0, 0, 1) and not found.a_better


def test_a_bootstrap_finds_nothing_as_rarely_as_it_says() -> None:
    rng = np.random.default_rng(5)
    false = 0
    for _ in range(300):
        skill = rng.normal(0, 1, 12).repeat(5)  # each speaker favours one of the two
        a, b = (np.clip(np.round(3 + sign * skill + rng.normal(0, 1, 60)), 0, None).astype(int) for sign in (1, -1))
        false += stats.bootstrap_test(a, b, np.full(60, 10), [str(i // 5) for i in range(60)]).p < 0.05
    assert false < 30

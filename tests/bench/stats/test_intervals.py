from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from sklearn.metrics import f1_score
from statsmodels.stats.proportion import proportion_confint

from bench.stats import Interval, macro_f1, share, wilson

LABELS = list("0123")


def clustered(right: ArrayLike, speakers: Sequence[Any]) -> Interval:
    """Of clips that are right or wrong."""
    return share(~np.asarray(right, bool), np.ones(np.size(right)), speakers)


def answers(seed: int, n: int = 200) -> tuple[list[str], list[str | None]]:
    rng = np.random.default_rng(seed)
    truth = [str(label) for label in rng.choice(LABELS, n)]
    other = rng.choice([*LABELS, ""], n)
    heard = [label if rng.random() < 0.7 else str(guess) or None for label, guess in zip(truth, other, strict=True)]
    return truth, heard


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95]))
def test_wilson_is_that_of_statsmodels(counts: tuple[int, int], confidence: float) -> None:
    right, n = counts
    found = wilson(right, n, confidence)
    assert (found.low, found.high) == pytest.approx(proportion_confint(right, n, 1 - confidence, "wilson"), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize(("right", "n"), [(0, 0), (2, 1), (-1, 3)])
def test_wilson_refuses_what_is_no_proportion(right: int, n: int) -> None:
    with pytest.raises(ValueError, match="not a proportion"):
        wilson(right, n)


@pytest.mark.parametrize("sizes", [[50] * 6, [10, 200, 35, 80]])
def test_clustered_is_the_cluster_robust_t_interval_of_statsmodels(sizes: list[int]) -> None:
    rng = np.random.default_rng(1)
    speakers = np.repeat(np.arange(len(sizes)), sizes)
    right = rng.random(len(speakers)) < np.linspace(0.55, 0.9, len(sizes))[speakers]
    model = sm.OLS(right.astype(float), np.ones(len(right)))
    oracle = model.fit(cov_type="cluster", cov_kwds={"groups": speakers}, use_t=True).conf_int()[0]
    found = clustered(right, list(speakers))
    assert (found.low, found.high) == pytest.approx((max(oracle[0], 0), min(oracle[1], 1)))
    assert found.value == pytest.approx(right.mean())


def test_clustered_is_wider_than_wilson_when_speakers_differ() -> None:
    right, speakers = np.repeat([True, False], 300), np.repeat(["a", "b", "c", "d"], 150)
    found, plain = clustered(right, list(speakers)), wilson(300, 600)
    assert found.low < plain.low < plain.high < found.high


@pytest.mark.parametrize("right", [True, False])
def test_speakers_who_agree_do_not_make_it_certain(right: bool) -> None:
    found = clustered([right] * 60, ["a", "b", "c"] * 20)
    assert found == wilson(60 * right, 60)


def test_one_speaker_says_nothing_about_others() -> None:
    assert clustered([True, True, False], ["a"] * 3)[1:] == (0, 1)
    assert macro_f1(["0", "1"], ["0", "1"], ["a", "a"]) == (1, 0, 1)


@given(st.integers(0, 1000))
def test_macro_f1_is_that_of_scikit_learn(seed: int) -> None:
    truth, heard = answers(seed, 40)
    oracle = f1_score(truth, [label or "none" for label in heard], labels=sorted(set(truth)), average="macro")
    assert macro_f1(truth, heard).value == pytest.approx(oracle)


def test_no_digit_is_a_miss_and_nobodys_false_alarm() -> None:
    assert macro_f1(["0", "0", "1"], ["0", None, "1"]).value == pytest.approx((2 / 3 + 1) / 2)


def test_macro_f1_interval_is_that_of_a_plain_bootstrap() -> None:
    truth, heard = (np.array([label or "none" for label in labels]) for labels in answers(3))
    rng = np.random.default_rng(0)
    picks = rng.integers(len(truth), size=(400, len(truth)))
    draws = [f1_score(truth[pick], heard[pick], labels=LABELS, average="macro") for pick in picks]
    found = macro_f1(list(truth), list(heard))
    assert (found.low, found.high) == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.015)


def test_macro_f1_interval_is_seeded_and_never_narrower_for_speakers() -> None:
    truth, heard = answers(4)
    speakers = [str(i // 40) for i in range(len(truth))]
    clips, grouped = macro_f1(truth, heard, seed=5), macro_f1(truth, heard, speakers, seed=5)
    assert clips == macro_f1(truth, heard, seed=5) != macro_f1(truth, heard, seed=6)
    assert grouped.low <= clips.low < clips.value < clips.high <= grouped.high


@given(st.lists(st.integers(0, 3), min_size=2, max_size=40), st.integers(0, 100))
def test_a_share_of_words_is_that_of_their_clips_taken_as_clusters(lost: list[int], seed: int) -> None:
    units = np.random.default_rng(seed).integers(3, 6, len(lost))
    by_word = [(clip, place < wrong) for clip, wrong in enumerate(lost) for place in range(units[clip])]
    clips, wrong = (np.array(column) for column in zip(*by_word, strict=True))
    assert share(lost, units) == pytest.approx(share(wrong, np.ones(len(wrong)), list(clips)))


def test_a_share_covers_the_truth_as_often_as_it_says() -> None:
    rng, truth, held = np.random.default_rng(0), 0.7, 0
    for _ in range(400):
        units = rng.integers(1, 12, 120)
        chance = rng.beta(7, 3, 120)  # of each clip, 0.7 in the mean: its words are right and wrong together
        found = share(rng.binomial(units, 1 - chance), units)
        held += found.low <= truth <= found.high
    assert held / 400 == pytest.approx(0.95, abs=0.03)


def test_more_errors_than_units_make_a_share_negative() -> None:
    found = share([5, 1, 0, 4], [2, 2, 2, 2])
    assert found.value == pytest.approx(-0.25)
    assert found.low < -0.25 < found.high <= 1


def test_without_units_there_is_no_share() -> None:
    with pytest.raises(ValueError, match="no units"):
        share([], [])

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binned_statistic
from sklearn.metrics import brier_score_loss, roc_auc_score

from bench.stats import brier, calibration_error, macro_auc, probabilities
from bench.stats.calibration import Codes, Floats

SEEDS = st.integers(0, 1000)


def scored(seed: int, n: int = 120, labels: int = 4) -> tuple[Floats, Codes]:
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(labels), rng.integers(labels, size=n - labels)])
    logits = rng.normal(size=(n, labels)).round(1) + 1.5 * np.eye(labels)[truth]
    return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), truth


@given(SEEDS)
def test_brier_is_that_of_scikit_learn(seed: int) -> None:
    scores, truth = scored(seed)
    oracle = brier_score_loss(truth, scores, labels=[0, 1, 2, 3], scale_by_half=False)
    assert brier(scores, truth) == pytest.approx(oracle)


@given(SEEDS)
def test_macro_auc_is_that_of_scikit_learn_with_ties(seed: int) -> None:
    scores, truth = scored(seed)
    assert macro_auc(scores, truth) == pytest.approx(roc_auc_score(truth, scores, multi_class="ovr", average="macro"))


@given(SEEDS)
def test_calibration_error_is_the_weighted_gap_of_its_bins(seed: int) -> None:
    scores, truth = scored(seed)
    confidence, right = scores.max(axis=1), scores.argmax(axis=1) == truth
    gap, _, _ = binned_statistic(confidence, right - confidence, "sum", bins=15, range=(0, 1))
    assert calibration_error(scores, truth) == pytest.approx(np.abs(gap).sum() / len(truth))


@pytest.mark.parametrize(("sure", "error"), [(1.0, 0.0), (0.8, 0.2)])
def test_calibration_error_of_the_always_right(sure: float, error: float) -> None:
    scores = np.full((10, 2), [sure, 1 - sure])
    assert calibration_error(scores, np.zeros(10, dtype=np.intp)) == pytest.approx(error)


def test_a_label_nobody_said_has_no_auc() -> None:
    scores, truth = scored(0)
    assert macro_auc(np.column_stack([scores, np.zeros(len(truth))]), truth) == pytest.approx(macro_auc(scores, truth))
    assert np.isnan(macro_auc(scores, np.zeros_like(truth)))


@pytest.mark.parametrize(("row", "proper"), [([0.3, 0.7], True), ([0.3, 0.3], False), ([-0.5, 1.5], False)])
def test_probabilities_are_told_from_other_scores(row: list[float], proper: bool) -> None:
    assert probabilities(np.array([row, [0.5, 0.5]])) is proper
    assert probabilities(np.array([row], dtype=np.float32).astype(float)) is proper

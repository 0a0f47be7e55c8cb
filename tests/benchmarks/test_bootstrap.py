from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.bootstrap import interval, shown


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    values = np.random.default_rng(0).normal(3, 1, 400)
    estimate = interval([str(place) for place in range(400)], lambda rows: float(values[rows].mean()), draws=2_000)
    expected = stats.t.interval(0.95, 399, values.mean(), stats.sem(values))
    assert estimate.value == pytest.approx(values.mean())
    np.testing.assert_allclose(estimate[1:], expected, atol=0.02)


def test_clips_of_a_speaker_go_together() -> None:
    values = np.repeat([0.0, 1.0, 2.0, 3.0], 100)
    alone = interval([str(place) for place in range(400)], lambda rows: float(values[rows].mean()))
    together = interval([str(place // 100) for place in range(400)], lambda rows: float(values[rows].mean()))
    assert together.high - together.low > 4 * (alone.high - alone.low)


def test_draws_without_an_answer_are_left_out_and_none_is_said() -> None:
    assert interval(["a", "b"], lambda rows: 1.0 if len(set(rows)) == 2 else float("nan")) == (1, 1, 1)
    assert np.isnan(interval(["a"], lambda rows: float("nan")).low)
    with pytest.raises(ValueError, match="no rows"):
        interval([], lambda rows: 0.0)


def test_it_is_the_same_every_time() -> None:
    values = np.arange(9.0)
    once, twice = (interval(list("aabbccdde"), lambda rows: float(values[rows].mean())) for _ in range(2))
    assert once == twice
    assert shown(once, 1, sign=True).startswith("+4.0 [")

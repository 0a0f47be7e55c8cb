import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.stats import calls_needed, percentile, real_time_factor


@pytest.mark.parametrize(("percent", "calls"), [(50, 1), (90, 64), (95, 130), (99, 662)])
def test_floors_are_those_of_loadgen(percent: float, calls: int) -> None:
    assert calls_needed(percent) == calls


@given(st.floats(60, 99.5))
def test_floor_is_the_first_number_of_calls_that_is_enough(percent: float) -> None:
    p, n = percent / 100, calls_needed(percent)

    def doubt(n: int) -> float:
        return p**n + n * (1 - p) * p ** (n - 1)

    assert doubt(n) <= 0.01 < doubt(n - 1)


@given(st.lists(st.floats(1e-6, 10), min_size=130, max_size=200))
def test_percentile_is_that_of_numpy(seconds: list[float]) -> None:
    assert percentile(seconds, 95) == np.percentile(seconds, 95)
    assert np.isnan(percentile(seconds, 99))


def test_too_few_calls_have_no_p95_but_a_median() -> None:
    assert np.isnan(percentile(np.ones(129), 95))
    assert percentile([3, 1, 2], 50) == 2


def test_real_time_factor_is_not_upside_down() -> None:
    assert real_time_factor([1.0], [10.0]) == (0.1, 0.1)


def test_real_time_factor_of_the_corpus_weighs_clips_by_length() -> None:
    assert real_time_factor([1.0, 1.0], [1.0, 9.0]) == pytest.approx((0.2, (1 + 1 / 9) / 2))

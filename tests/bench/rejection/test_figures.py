from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from bench.rejection.figures import SECOND, area, confirmed, figures, threshold
from bench.rejection.sounds import DIGIT, NOISE, OTHER, SPEECH

CERTAINTIES = st.lists(st.floats(0, 1), min_size=1, max_size=50)


@given(CERTAINTIES)
def test_a_threshold_keeps_at_least_the_share_wanted_and_no_higher_one_does(values: list[float]) -> None:
    sure = pd.Series(values)
    limit = threshold(sure)
    assert (sure >= limit).mean() >= 0.95
    assert (sure > limit).mean() < 0.95


@given(CERTAINTIES, CERTAINTIES)
def test_the_area_is_that_of_scikit_learn(digits: list[float], others: list[float]) -> None:
    truth = [1] * len(digits) + [0] * len(others)
    assert area(pd.Series(digits), pd.Series(others)) == pytest.approx(roc_auc_score(truth, [*digits, *others]))


def rows(kind: str, part: str, *certainty: float) -> pd.DataFrame:
    label = "1" if kind == DIGIT else ""
    return pd.DataFrame({"kind": kind, "part": part, "label": label, "heard": "1", "certainty": certainty})


def test_dev_chooses_and_test_is_counted() -> None:
    heard = pd.concat(
        [
            rows(DIGIT, "dev", 0.6, 0.9),
            rows(OTHER, "dev", 0.7, 0.1),
            rows(DIGIT, "test", 0.8, 0.5, 0.9, 0.7),
            rows(OTHER, "test", 0.65, 0.2),
            rows(NOISE, "test", 0.1, 0.9, 0.8),
            rows(SPEECH, "test", 0.1),
        ],
        ignore_index=True,
    )
    heard.loc[2, "heard"] = "2"
    found = figures("mine", heard, {NOISE: 2.0, SPEECH: 4.0})
    assert found.threshold == 0.6
    assert found.dev == (1.0, 0.5)
    assert (found.recall.value, found.accepts.value) == (0.75, 0.5)
    assert found.at_recall == 0.5
    assert found.a_minute == {NOISE: 1.0, SPEECH: 0.0}
    with pytest.raises(ValueError, match="no digits"):
        figures("mine", heard[heard["part"] == "test"], {})


def test_a_confirmed_answer_is_as_sure_as_both() -> None:
    first = pd.DataFrame({"heard": ["0", "1"], "certainty": [0.9, 0.6], "scores": [[0.9, 0.1], [0.4, 0.6]]})
    second = pd.DataFrame({"scores": [[0.8, 0.2], [0.8, 0.2]], "certainty": [0.5, 0.5]})
    both = confirmed(first, second, ("0", "1"))
    np.testing.assert_allclose(both["certainty"], [0.5**SECOND * share ** (1 - SECOND) for share in (0.9, 0.4)])
    assert list(both["heard"]) == ["0", "0"]

"""What compiled code would follow without looking: every array that does not fit the others is noticed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from backends.mfcc.consistency import consistent

CLASSES, FEATURES = 3, 4
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, FEATURES)), np.arange(60) % CLASSES


def forest(**changes: tuple[int, int]) -> Any:
    """A fitted forest, in whose first tree ``field=(node, value)`` was changed."""
    model = RandomForestClassifier(3, random_state=0).fit(X, Y)
    tree = model.estimators_[0].tree_
    state = tree.__getstate__()
    for field, (node, value) in changes.items():
        state["nodes"][field][node] = value
    tree.__setstate__(state)
    return model


def test_what_was_fitted_is_consistent() -> None:
    for model in (forest(), SVC(kernel="rbf"), LogisticRegression()):
        assert consistent(model.fit(X, Y), CLASSES, FEATURES)
        assert not consistent(model, CLASSES + 1, FEATURES)
        assert not consistent(model, CLASSES, FEATURES + 1)
    two = LogisticRegression().fit(X, Y > 0)
    assert consistent(two, 2, FEATURES)


@pytest.mark.parametrize(
    "change",
    [
        {"left_child": (0, 0)},  # a walk that never ends
        {"right_child": (2, 1)},  # back to where it came from
        {"right_child": (0, 10_000)},
        {"feature": (0, FEATURES)},
        {"feature": (0, -3)},
    ],
    ids=str,
)
def test_a_tree_that_leads_astray_is_not(change: dict[str, tuple[int, int]]) -> None:
    assert not consistent(forest(**change), CLASSES, FEATURES)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("support_", np.zeros(3, np.int32)),
        ("_n_support", np.array([1_000, 1, 1], np.int32)),
        ("_n_support", np.array([-1, 30, 31], np.int32)),
        ("_dual_coef_", np.zeros((1, 3))),
        ("_intercept_", np.zeros(1)),
        ("_probA", np.zeros(3)),
        ("kernel", "precomputed"),
        ("_sparse", True),
    ],
)
def test_a_machine_whose_arrays_do_not_fit_is_not(name: str, value: object) -> None:
    model = SVC(kernel="rbf").fit(X, Y)
    setattr(model, name, value)
    assert not consistent(model, CLASSES, FEATURES)

"""Whether what a model file holds of scikit-learn fits together: its compiled code does not look."""

from __future__ import annotations

from typing import Any

import numpy as np


def consistent(classifier: Any, classes: int, features: int) -> bool:
    """Whether the arrays of a classifier fit together: SVC, LogisticRegression and RandomForestClassifier."""
    kind = type(classifier).__name__
    if kind == "SVC":
        return _sound_svc(classifier, classes, features)
    if kind == "RandomForestClassifier":
        return all(
            type(tree).__name__ == "DecisionTreeClassifier" and _sound_tree(tree.tree_, classes, features)
            for tree in classifier.estimators_
        )
    rows = classes if classes > 2 else 1
    return bool(classifier.coef_.shape == (rows, features) and classifier.intercept_.shape == (rows,))


def _sound_svc(svc: Any, classes: int, features: int) -> bool:
    vectors, counts = len(svc.support_vectors_), svc._n_support
    return bool(
        svc.kernel == "rbf"
        and not svc._sparse
        and svc.support_vectors_.shape == (vectors, features)
        and svc.support_.shape == (vectors,)
        and counts.shape == (classes,)
        and (counts >= 0).all()
        and counts.sum() == vectors
        and svc._dual_coef_.shape == svc.dual_coef_.shape == (classes - 1, vectors)
        and svc._intercept_.shape == svc.intercept_.shape == (classes * (classes - 1) // 2,)
        and svc._probA.size == svc._probB.size == 0
    )


def _sound_tree(tree: Any, classes: int, features: int) -> bool:
    left, right, used = tree.children_left, tree.children_right, tree.feature
    inner, nodes = left != -1, np.arange(tree.node_count)
    children = np.stack([left[inner], right[inner]])
    return bool(
        tree.n_features == features
        and tree.value.shape == (tree.node_count, 1, classes)
        # a child comes after its parent, so that every walk ends
        and (children > nodes[inner]).all()
        and (children < tree.node_count).all()
        and (used[inner] >= 0).all()
        and (used[inner] < features).all()
    )

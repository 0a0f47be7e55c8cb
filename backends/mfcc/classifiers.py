"""The three classical recognisers: MFCC statistics and a scikit-learn classifier (:mod:`backends.mfcc.pipeline`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from backends.mfcc.pipeline import Matrix, Mfcc


class MfccSvm(Mfcc):
    """Support vector machine with a radial kernel; logits are its one-against-rest decision values."""

    name: ClassVar[str] = "mfcc-svm"
    grid: ClassVar[Mapping[str, tuple[float, ...]]] = {"C": (10, 1, 100), "gamma": (0.002, 0.0005, 0.005, 0.01)}
    types: ClassVar[frozenset[str]] = frozenset({"sklearn.svm._classes.SVC"})

    def _classifier(self, **chosen: float) -> Any:
        from sklearn.svm import SVC

        return SVC(**chosen, break_ties=True, random_state=self.seed)

    def _logits(self, pipeline: Any, features: Matrix) -> Matrix:
        return _two_columns(pipeline.decision_function(features))

    def _numbers(self, classifier: Any) -> int:
        """Support vectors, their dual coefficients, intercepts."""
        return int(classifier.support_vectors_.size + classifier.dual_coef_.size + classifier.intercept_.size)


class MfccLogreg(Mfcc):
    """Multinomial logistic regression, L2-penalised."""

    name: ClassVar[str] = "mfcc-logreg"
    grid: ClassVar[Mapping[str, tuple[float, ...]]] = {"C": (0.1, 0.01, 1)}
    types: ClassVar[frozenset[str]] = frozenset({"sklearn.linear_model._logistic.LogisticRegression"})

    def _classifier(self, **chosen: float) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(**chosen, max_iter=2000, random_state=self.seed)

    def _logits(self, pipeline: Any, features: Matrix) -> Matrix:
        return _two_columns(pipeline.decision_function(features))

    def _numbers(self, classifier: Any) -> int:
        """Weights and intercepts."""
        return int(classifier.coef_.size + classifier.intercept_.size)


class MfccRf(Mfcc):
    """Random forest of 100 trees; logits are the log of the mean class frequency in the leaves."""

    name: ClassVar[str] = "mfcc-rf"
    grid: ClassVar[Mapping[str, tuple[float, ...]]] = {"max_depth": (20, 10), "min_samples_leaf": (1, 3)}
    types: ClassVar[frozenset[str]] = frozenset(
        {
            "sklearn.ensemble._forest.RandomForestClassifier",
            "sklearn.tree._classes.DecisionTreeClassifier",
            "sklearn.tree._tree.Tree",
        }
    )

    def _classifier(self, **chosen: float) -> Any:
        from sklearn.ensemble import RandomForestClassifier

        return RandomForestClassifier(100, **chosen, random_state=self.seed)

    def _logits(self, pipeline: Any, features: Matrix) -> Matrix:
        return np.asarray(np.log(pipeline.predict_proba(features) + 1e-3))

    def _numbers(self, classifier: Any) -> int:
        """Feature and threshold of every inner node, class frequencies of every leaf."""
        trees = [tree.tree_ for tree in classifier.estimators_]
        leaves = sum(int(tree.n_leaves) for tree in trees)
        inner = sum(int(tree.node_count) for tree in trees) - leaves
        return 2 * inner + len(classifier.classes_) * leaves


def _two_columns(decision: Matrix) -> Matrix:
    """A decision function as a matrix also where scikit-learn gives a single column for two classes."""
    return decision if decision.ndim == 2 else np.stack([np.zeros_like(decision), decision], axis=1)

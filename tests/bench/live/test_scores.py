"""What scores of any kind are shown as."""

from __future__ import annotations

from bench.live.scores import probabilities


def test_scores_become_shares() -> None:
    assert probabilities({"a": 0.25, "b": 0.75}) == {"a": 0.25, "b": 0.75}
    assert probabilities({"a": -1.0, "b": -1.0}) == {"a": 0.5, "b": 0.5}
    assert probabilities({"a": -1e9, "b": 5.0}) == {"a": 0.0, "b": 1.0}
    assert probabilities({}) == {}

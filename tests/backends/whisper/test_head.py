"""The head alone, on made-up features; an oracle is scikit-learn's own pipeline."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from backends.kit.selection import Matrix, Rows, softmax
from backends.whisper.head import STRENGTHS, Labels, learn

NAMES = ("a", "b", "c")


def made(clips: int = 90, spread: float = 1.0, seed: int = 0) -> tuple[Matrix, Labels]:
    """Clouds around a corner of a cube per label, one axis a thousand times as long as the others."""
    generator = np.random.default_rng(seed)
    labels = np.array([NAMES[row % 3] for row in range(clips)])
    centres = 3 * np.eye(3)[[NAMES.index(label) for label in labels]]
    features = np.concatenate([centres, np.zeros((clips, 2))], axis=1) + spread * generator.standard_normal((clips, 5))
    return features * np.array([1_000, 1, 1, 1, 1]), labels


def halves(clips: int) -> list[tuple[Rows, Rows]]:
    rows = np.arange(clips)
    return [(rows[::2], rows[1::2]), (rows[1::2], rows[::2])]


def test_the_head_is_scikit_learns_on_standardised_features() -> None:
    features, labels = made()
    head = learn([features], labels, np.arange(90), [], "nothing")
    oracle = make_pipeline(StandardScaler(), LogisticRegression(C=STRENGTHS[0], max_iter=100)).fit(features, labels)
    assert (head.strength, head.temperature, head.chosen_on) == (STRENGTHS[0], 1.0, "nothing")
    np.testing.assert_allclose(softmax(head.logits(features)), oracle.predict_proba(features), atol=1e-6)


def test_copies_are_learned_from() -> None:
    features, labels = made()
    moved = features + np.array([0, 0, 0, 5, 0])
    head = learn([features, moved], labels, np.arange(90), [], "")
    np.testing.assert_allclose(head.mean, np.concatenate([features, moved]).mean(axis=0))


def test_a_copy_of_a_held_out_clip_teaches_nothing() -> None:
    features, labels = made()
    learned, held_out = np.arange(60), np.arange(60, 90)
    copies = np.where(np.isin(np.arange(90), held_out)[:, np.newaxis], np.nan, features)  # a NaN would be an error
    head = learn([features, copies], labels, learned, [(learned, held_out)], "validation")
    assert np.isfinite(head.coefficients).all()


def test_copies_are_not_tested_on() -> None:
    features, labels = made(spread=2)
    useless = np.random.default_rng(1).permutation(features)
    apart = [(np.arange(45), np.arange(45, 90))]
    one = learn([features, features], labels, np.arange(45), apart, "")
    other = learn([features, np.concatenate([features[:45], useless[45:]])], labels, np.arange(45), apart, "")
    assert (one.temperature, one.strength) == (other.temperature, other.strength)


def test_a_modest_head_is_sharpened_and_one_that_knows_nothing_is_cooled() -> None:
    features, labels = made(spread=0.1)
    assert learn([features], labels, np.arange(90), halves(90), "").temperature < 1
    shuffled = np.random.default_rng(0).permutation(labels)
    assert learn([features], shuffled, np.arange(90), halves(90), "").temperature > 1


def test_the_strength_with_the_lowest_log_loss_is_chosen() -> None:
    features, labels = made(spread=0.1)
    assert learn([features], labels, np.arange(90), halves(90), "").strength == max(STRENGTHS)
    shuffled = np.random.default_rng(0).permutation(labels)
    assert learn([features], shuffled, np.arange(90), halves(90), "").strength == min(STRENGTHS)


def test_a_label_that_a_fold_never_heard_is_no_error() -> None:
    features, labels = made()
    of_two = np.flatnonzero(labels != "c")
    head = learn([features], labels, np.arange(90), [(of_two, np.flatnonzero(labels == "c"))], "")
    assert head.classes == NAMES
    assert 0 < head.temperature < np.inf


@pytest.mark.parametrize("width", [4, 6])
def test_parts_of_another_width_do_not_fit(width: int) -> None:
    features, labels = made()
    head = learn([features], labels, np.arange(90), [], "")
    head.check(NAMES, 5)
    with pytest.raises(ValueError, match="fit together"):
        head.check(NAMES, width)
    with pytest.raises(ValueError, match="fit together"):
        head.check(("a", "b"), 5)

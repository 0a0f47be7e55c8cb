from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.quality.predictor import FACTS
from benchmarks.wer.training import SEEDS, Recipe, by_logprob, constant, fitted
from tests.benchmarks.wer.pairing import pairs

pytest.importorskip("torch")


def wers(part: str, clips: int, seed: int = 0) -> np.ndarray:
    return np.array([pair.wer for pair in pairs(part, clips, seed)])


def test_a_line_from_logprob_beats_the_constant_where_it_tells_all() -> None:
    dev, test = pairs("dev", 40), pairs("test", 20, seed=1)
    truth = wers("test", 20, seed=1)
    assert np.abs(by_logprob(dev, test) - truth).mean() < 0.5 * np.abs(constant(dev, test) - truth).mean()
    assert set(constant(dev, test)) == {float(np.median(wers("dev", 40)))}


def test_confidence_is_learned_and_kept(tmp_path: Path) -> None:
    dev, test = pairs("dev", 60), pairs("test", 20, seed=1)
    lines: list[str] = []
    recipe = Recipe("confidence", "facts", FACTS, 40)
    first = fitted(recipe, dev, [], tmp_path, lines.append)
    again = fitted(recipe, dev, [], tmp_path, lines.append)
    assert len(lines) == len(SEEDS) == len(first.predictor.members)
    assert again.curves == first.curves and len(first.curves) == 40 * len(SEEDS)
    values = first.predictor.values([pair.facts for pair in test])
    guess = first.predictor.predict_many(values)
    np.testing.assert_array_equal(guess, again.predictor.predict_many(values))
    truth = wers("test", 20, seed=1)
    assert np.abs(guess - truth).mean() < 0.7 * np.abs(constant(dev, test) - truth).mean()
    assert first.curves[-1]["loss"] < first.curves[0]["loss"]


def test_networks_that_look_at_sound_are_learned(tmp_path: Path) -> None:
    dev = pairs("dev", 6)
    mels = [np.full((64, 40), round(200 * pair.wer), np.uint8) for pair in dev]
    fit = fitted(Recipe("mel, CNN", "cnn", (), 1), dev, mels, tmp_path, lambda line: None)
    guess = fit.predictor.predict_many(fit.predictor.values([pair.facts for pair in dev]), mels)
    assert guess.shape == (len(dev),) and np.isfinite(guess).all()


def test_both_begin_with_confidence(tmp_path: Path) -> None:
    dev = pairs("dev", 6)
    mels = [np.zeros((64, 40), np.uint8) for _ in dev]
    facts = fitted(Recipe("confidence", "facts", FACTS, 2), dev, [], tmp_path, lambda line: None).predictor
    both = fitted(Recipe("both", "cnn", FACTS, 1, "confidence"), dev, mels, tmp_path, lambda line: None).predictor
    values = both.values([pair.facts for pair in dev])
    np.testing.assert_allclose(both.predict_many(values, mels), facts.predict_many(values), atol=0.15)

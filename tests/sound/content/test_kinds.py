from __future__ import annotations

import numpy as np
import pytest

from sound import Audio
from sound.content import kinds
from sound.content.features import features
from tests.sound.content.sounds import noise, tone


def mains() -> Audio:
    hum: Audio = np.sum([tone(50 * number, 3.0, 0.1 / number) for number in range(1, 8)], axis=0)
    return hum + noise(3.0, rms=1e-3)


def likeliest(audio: Audio, weight: np.ndarray | None = None) -> list[str]:
    measured, model = features(audio), kinds.fitted()
    shares = model.probabilities(kinds.pooled(measured, np.ones(len(measured)) if weight is None else weight))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    return [model.names[place] for place in shares.argmax(axis=1)]


@pytest.mark.parametrize(("audio", "kind"), [(noise(3.0, seed=5), "hiss"), (mains(), "hum")])
def test_what_can_be_made_is_known(audio: Audio, kind: str) -> None:
    assert set(likeliest(audio)) == {kind}


def test_hops_that_are_no_noise_do_not_count() -> None:
    audio = np.concatenate([noise(1.5, seed=5), tone(200, 1.5)])
    weight = (np.arange(len(features(audio))) < 45).astype(float)
    assert set(likeliest(audio, weight)[:40]) == {"hiss"}


def test_the_model_says_what_it_was_fitted_to_and_fits_together() -> None:
    model = kinds.fitted()
    values = len(model.means)
    assert model.weights.shape == (len(model.names), values) and model.offsets.shape == (len(model.names),)
    assert (model.scales > 0).all()
    assert kinds.pooled(features(noise(0.1)), np.ones(4)).shape == (4, values)

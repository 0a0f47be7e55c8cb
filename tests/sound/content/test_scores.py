from __future__ import annotations

import numpy as np
import pytest

from sound.activity import HOP, RATE
from sound.content.features import features
from sound.content.scores import NOISE, SILENCE, SPOKEN, scores, silence_level, smoothed
from tests.sound.content.sounds import noise, tone

SECOND = RATE // HOP


def test_probabilities_sum_to_one_and_follow_the_detector() -> None:
    measured = features(np.concatenate([noise(1.0), np.zeros(RATE, np.float32)]))
    speech = np.linspace(0, 1, len(measured))
    probability = scores(measured, speech).probability
    np.testing.assert_allclose(probability.sum(axis=1), 1)
    np.testing.assert_allclose(probability[1:-1, SPOKEN], speech[1:-1])


def test_zeros_are_silence_and_what_is_audible_is_noise() -> None:
    audio = np.concatenate([noise(1.0), np.zeros(RATE, np.float32)])
    likeliest = scores(features(audio), np.zeros(len(features(audio)))).probability.argmax(axis=1)
    assert (likeliest[: SECOND - 1] == NOISE).all()
    assert (likeliest[SECOND + 2 :] == SILENCE).all()


@pytest.mark.parametrize("gain_db", [-20, 0, 15])
def test_silence_is_relative_to_what_is_loud(gain_db: float) -> None:
    audio = np.concatenate([tone(300, 1.0), noise(1.0, rms=1e-3)]) * np.float32(10 ** (gain_db / 20))
    level = silence_level(features(audio))
    assert level.min() >= -75 and level.max() <= -55


def test_importance_needs_speech_sound_and_change() -> None:
    turning = np.concatenate([tone(hertz, 0.064) for hertz in (300.0, 2_500.0) * 16])
    steady = tone(300.0, len(turning) / RATE)
    audio = np.concatenate([turning, steady, turning, np.zeros_like(turning)])
    measured = features(audio)
    quarter = len(measured) // 4
    speech = np.ones(len(measured))
    speech[2 * quarter : 3 * quarter] = 0
    spoken, unchanging, unspoken, silent = (
        scores(measured, speech).importance[start * quarter + 5 : (start + 1) * quarter - 5] for start in range(4)
    )
    assert spoken.min() > 3 * max(unchanging.max(), unspoken.max(), silent.max())
    assert scores(measured, speech).complexity[2 * quarter + 5 : 3 * quarter - 5].min() > 0.4


def test_smoothing_keeps_means_and_constants() -> None:
    np.testing.assert_allclose(smoothed(np.full(7, 2.0), 1.0), 2.0)
    assert smoothed(np.array([0.0, 3.0, 0.0]), 0.096)[1] == pytest.approx(1.0)

from __future__ import annotations

import numpy as np
import pytest

from bench.quality.mel import BANDS, HOP, RATE, quantised, scaled


def test_a_tone_is_in_one_place_and_its_level_in_steps_of_two_fifths_of_a_decibel() -> None:
    tone = np.sin(2 * np.pi * 1_000 * np.arange(RATE) / RATE).astype(np.float32)
    loud, soft = (quantised(tone * np.float32(gain))[:, 25].astype(int) for gain in (0.5, 0.05))
    assert loud.argmax() == soft.argmax()
    assert loud.max() - soft.max() == pytest.approx(20 / (100 / 255), abs=1)


@pytest.mark.parametrize("samples", [1, HOP, RATE])
def test_a_frame_every_20_ms(samples: int) -> None:
    mel = quantised(np.zeros(samples, np.float32))
    assert mel.dtype == np.uint8 and mel.shape == (BANDS, samples // HOP + 1) and not mel.any()
    assert scaled(mel).min() == -2


def test_every_band_hears_something() -> None:
    mel = quantised(np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32))
    assert mel[:, 5:-5].mean(axis=1).min() > 60

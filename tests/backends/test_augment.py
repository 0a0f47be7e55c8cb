from __future__ import annotations

import numpy as np
import pytest

from backends.augment import below, noise
from tests.conftest import tone


@pytest.mark.parametrize("snr_db", [0, 20])
def test_noise_has_the_ratio_asked_for(snr_db: float) -> None:
    audio, white = tone(500), np.random.default_rng(0).standard_normal(4_000).astype(np.float32)
    added = below(audio, white, snr_db)
    assert 10 * np.log10(np.mean(audio**2) / np.mean(added**2)) == pytest.approx(snr_db, abs=0.01)


def test_no_noise_is_below_silence() -> None:
    assert not below(np.zeros(800, np.float32), np.ones(800, np.float32), 10).any()


def test_noise_comes_in_more_than_one_colour() -> None:
    spectra = [np.abs(np.fft.rfft(noise(4_000, 8_000, np.random.default_rng(seed)))) ** 2 for seed in range(9)]
    low = [power[: len(power) // 4].sum() / power.sum() for power in spectra]
    assert min(low) < 0.3
    assert max(low) > 0.6


def test_some_noise_swells() -> None:
    swings = []
    for seed in range(20):
        power = (noise(16_000, 8_000, np.random.default_rng(seed)).reshape(-1, 400) ** 2).mean(axis=1)
        swings.append(10 * np.log10(power.max() / power.min()))
    assert min(swings) < 12
    assert max(swings) > 20


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_the_shortest_noise_is_finite(samples: int) -> None:
    made = noise(samples, 8_000, np.random.default_rng(0))
    assert made.shape == (samples,)
    assert np.isfinite(made).all()

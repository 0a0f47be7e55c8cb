from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sound.activity import HOP, RATE
from sound.content.features import BLOCK, Features, features, hops
from sound.level import rms_level
from tests.sound.content.sounds import noise, tone


def test_every_hop_has_every_feature() -> None:
    measured = features(noise(1.0)[: 10 * HOP + 1])
    assert len(measured) == hops(10 * HOP + 1) == 11
    assert {len(getattr(measured, each.name)) for each in fields(Features)} == {11}
    assert measured.bands_db.shape == (11, 6)
    assert all(np.isfinite(getattr(measured, each.name)).all() for each in fields(Features))


@settings(max_examples=20)
@given(st.floats(-30, 6), st.integers(0, 2**32 - 1))
def test_only_the_level_knows_the_gain(gain_db: float, seed: int) -> None:
    audio = noise(0.3, seed)
    before, after = features(audio), features((audio * 10 ** (gain_db / 20)).astype(np.float32))
    np.testing.assert_allclose(after.level_db, before.level_db + gain_db, atol=0.01)
    for name in ("bands_db", "flatness_db", "centroid", "harmonicity", "crest_db", "change"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name), atol=0.02)


def test_level_is_that_of_the_hop() -> None:
    audio = noise(0.32)
    expected = [rms_level(hop) for hop in audio.reshape(-1, HOP)]
    np.testing.assert_allclose(features(audio).level_db, expected, atol=1e-3)


@pytest.mark.parametrize("hertz", [110.0, 220.0])
def test_tones_are_harmonic_and_not_flat_and_noise_is_the_other_way_round(hertz: float) -> None:
    pitched, hiss = features(tone(hertz, 1.0)), features(noise(1.0))
    assert pitched.harmonicity[3:-3].min() > 0.9 > 0.6 > np.median(hiss.harmonicity)
    assert pitched.flatness_db[3:-3].max() < -25 < -6 < np.median(hiss.flatness_db)


@pytest.mark.parametrize(
    ("hertz", "band"), [(125.0, 0), (370.0, 1), (700.0, 2), (1_500.0, 3), (3_000.0, 4), (5_500.0, 5)]
)
def test_a_tone_is_in_its_band_and_at_its_height(hertz: float, band: int) -> None:
    middle = features(tone(hertz, 0.5))
    assert (middle.bands_db[3:-3].argmax(axis=1) == band).all()
    np.testing.assert_allclose(middle.centroid[3:-3], np.log2(hertz / 60), atol=0.1)


def test_what_stays_as_it_is_does_not_change() -> None:
    steady = features(tone(1_000.0, 1.0))
    turns = np.concatenate([tone(hertz, 0.064) for hertz in (300.0, 2_500.0) * 8])
    assert steady.change[3:-3].max() < 1 < 5 < np.median(features(turns).change)


def test_long_recordings_are_measured_in_blocks_that_meet() -> None:
    audio = noise((BLOCK + 20) * HOP / RATE)
    whole, part = features(audio), features(audio[(BLOCK - 10) * HOP :])
    np.testing.assert_allclose(whole.level_db[BLOCK - 8 : BLOCK + 10], part.level_db[2:20], atol=1e-9)
    np.testing.assert_allclose(whole.centroid[BLOCK - 8 : BLOCK + 10], part.centroid[2:20], atol=1e-6)


def test_silence_and_a_single_sample_have_features() -> None:
    for audio in (np.zeros(1, np.float32), np.zeros(RATE, np.float32), np.ones(1, np.float32)):
        measured = features(audio)
        assert all(np.isfinite(getattr(measured, each.name)).all() for each in fields(Features))
    assert features(np.zeros(RATE, np.float32)).level_db.max() == -100

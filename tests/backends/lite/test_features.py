from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import Audio, BackendError
from backends.lite.features import (
    BANDS,
    BLOCK,
    FRAMES,
    MARGIN,
    SAMPLE_RATE,
    WINDOW,
    FrontEnd,
    emphasise,
    filterbank,
    span,
)

FRONT = FrontEnd()


def word(seed: int = 0, samples: int = 3_200) -> Audio:
    """A tone that glides upwards, in a little noise."""
    time = np.arange(samples) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * (400 + 1_500 * time) * time)
    return (0.3 * tone + 1e-4 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def silence(samples: int, seed: int = 1) -> Audio:
    return (1e-4 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


@given(samples=st.integers(1, 2_000), level=st.floats(0, 1, width=32), seed=st.integers(0, 99))
def test_any_clip_makes_a_finite_picture(samples: int, level: float, seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal(samples).astype(np.float32)
    picture = FRONT.picture(noise * np.float32(level))
    assert picture.shape == (FRAMES, BANDS)
    assert picture.dtype == np.float32
    assert np.isfinite(picture).all()


@given(gain=st.floats(1e-3, 10))
def test_level_is_not_heard(gain: float) -> None:
    np.testing.assert_allclose(FRONT.picture(word() * np.float32(gain)), FRONT.picture(word()), atol=2e-3)


def test_an_offset_is_not_heard() -> None:
    np.testing.assert_allclose(FRONT.picture(word() + np.float32(0.2)), FRONT.picture(word()), atol=2e-2)


@pytest.mark.parametrize("before", [0, 800, 16_000])
@pytest.mark.parametrize("after", [0, 800, 16_000])
def test_silence_around_a_word_is_cut_off(before: int, after: int) -> None:
    heard = np.concatenate([silence(before), word(), silence(after, 2)])
    first, last = span(emphasise(heard))
    assert abs(first - before) <= (MARGIN + 1) * BLOCK
    assert abs(last - before - 3_200) <= (MARGIN + 2) * BLOCK


def test_ends_lie_inside_the_clip() -> None:
    for samples in (1, BLOCK - 1, BLOCK, BLOCK + 1, 10 * BLOCK):
        first, last = span(emphasise(np.ones(samples, np.float32)))
        assert 0 <= first <= last < -(-samples // BLOCK) * BLOCK


@pytest.mark.parametrize(
    ("audio", "message"), [(np.zeros(0, np.float32), "no samples"), (np.array([np.nan], np.float32), "not finite")]
)
def test_nothing_to_hear_is_an_error(audio: Audio, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        FRONT.picture(audio)


def test_bands_overlap_and_cover_the_spectrum() -> None:
    bank = filterbank()
    assert bank.shape == (WINDOW // 2 + 1, BANDS)
    assert (bank.max(axis=0) > 0.3).all()
    hertz = np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW
    assert (bank[(hertz > 250) & (hertz < 3_100)].sum(axis=1) > 0.9).all()


def test_a_warp_moves_what_a_band_hears_to_lower_frequencies() -> None:
    centres = [filterbank(warp).T @ np.arange(WINDOW // 2 + 1) / filterbank(warp).sum(axis=0) for warp in (1.0, 1.25)]
    np.testing.assert_allclose(centres[0][8:] / centres[1][8:], 1.25, rtol=0.05)

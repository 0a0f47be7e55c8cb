from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import Audio
from backends.lite.copies import Augmenter, _uneven
from backends.lite.features import BANDS, FRAMES, Array, FrontEnd
from tests.conftest import tone

Maker = Callable[[Audio, np.random.Generator], Array]
AUGMENTER = Augmenter(FrontEnd())
KINDS = pytest.mark.parametrize("make", [AUGMENTER.altered, AUGMENTER.noisy], ids=["altered", "noisy"])


@KINDS
def test_the_generator_decides(make: Maker) -> None:
    one, same, other = (make(tone(500), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == same).all()
    assert not np.allclose(one, other)


@KINDS
@pytest.mark.parametrize("samples", [1, 79, 400])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_tiny_or_silent_clips_make_finite_copies(make: Maker, samples: int, level: float) -> None:
    for seed in range(10):
        picture = make(np.full(samples, level, np.float32), np.random.default_rng(seed))
        assert picture.shape == (FRAMES, BANDS)
        assert np.isfinite(picture).all()


@KINDS
def test_the_clip_itself_is_left_alone(make: Maker) -> None:
    audio = tone(500)
    make(audio, np.random.default_rng(0))
    assert (audio == tone(500)).all()


@given(first=st.integers(0, 9_000), length=st.integers(0, 9_000), seed=st.integers(0, 99))
def test_an_uneven_pace_goes_from_end_to_end_and_never_back(first: int, length: int, seed: int) -> None:
    at = _uneven((first, first + length), np.random.default_rng(seed))
    assert (at[0], at[-1], at.size) == (first, first + length, FRAMES)
    assert (np.diff(at) >= 0).all()


def test_steps_of_an_uneven_pace_differ() -> None:
    steps = np.diff(_uneven((0, 8_000), np.random.default_rng(0)))
    assert steps.max() > 1.2 * steps.min()

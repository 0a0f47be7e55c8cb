from __future__ import annotations

import numpy as np
import pytest

from backends.lite_augment import Augmenter
from backends.lite_features import BANDS, FRAMES, FrontEnd
from tests.conftest import tone

AUGMENTER = Augmenter(FrontEnd())


def test_the_generator_decides() -> None:
    one, same, other = (AUGMENTER.copy(tone(500), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == same).all()
    assert not np.allclose(one, other)


@pytest.mark.parametrize("samples", [1, 79, 400])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_tiny_or_silent_clips_make_finite_copies(samples: int, level: float) -> None:
    for seed in range(10):
        picture = AUGMENTER.copy(np.full(samples, level, np.float32), np.random.default_rng(seed))
        assert picture.shape == (FRAMES, BANDS)
        assert np.isfinite(picture).all()


def test_the_clip_itself_is_left_alone() -> None:
    audio = tone(500)
    AUGMENTER.copy(audio, np.random.default_rng(0))
    assert (audio == tone(500)).all()

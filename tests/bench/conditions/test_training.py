from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.conditions import apply, noisy_copy, parse
from bench.conditions.training import SNR_DB
from sound.level import active_level, rms_level
from tests.conftest import tone

RATE = 8_000
CLIP = tone(300) * np.float32(0.1)


@given(st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_a_copy_is_noisy_and_as_long(copy: int, seed: int) -> None:
    noisy = noisy_copy(CLIP, RATE, "a", copy, seed)
    snr = active_level(CLIP, RATE) - rms_level(noisy - CLIP)
    assert SNR_DB[0] - 0.1 <= snr <= SNR_DB[1] + 0.1
    assert (noisy.dtype.name, noisy.shape) == ("float32", CLIP.shape)


def test_copies_follow_from_seed_clip_and_number() -> None:
    cases = [(clip, copy, seed) for clip in "ab" for copy in (0, 1) for seed in (0, 1)]
    made = [noisy_copy(CLIP, RATE, *case).tobytes() for case in cases]
    assert made == [noisy_copy(CLIP, RATE, *case).tobytes() for case in cases]
    assert len(set(made)) == len(cases)


@pytest.mark.parametrize("name", ["white", "pink"])
def test_no_noise_of_training_is_heard_in_test(name: str) -> None:
    for clip in "abcde":
        tested = apply(parse(f"noise:{name}@0dB"), CLIP, RATE, clip=clip)[0] - CLIP
        for copy in range(3):
            trained = noisy_copy(CLIP, RATE, clip, copy, 0) - CLIP
            assert abs(np.corrcoef(tested, trained)[0, 1]) < 0.3


def test_a_copy_of_silence_is_silence() -> None:
    assert not noisy_copy(np.zeros(9, np.float32), RATE, "a", 0, 0).any()

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import Clip
from bench.conditions import apply, augment, parse
from bench.conditions.level import active_level, rms_level
from bench.conditions.training import SNR_DB
from tests.conftest import tone

CLIPS = [Clip(tone(300 + number) * np.float32(0.1), str(number), f"s{number}") for number in range(5)]


@given(st.integers(0, 4), st.integers(0, 2**32 - 1))
def test_copies_are_noisy_and_keep_label_and_speaker(copies: int, seed: int) -> None:
    augmented = augment(CLIPS, 8_000, copies, seed)
    assert augmented[: len(CLIPS)] == CLIPS
    assert [(clip.label, clip.speaker) for clip in augmented] == [(c.label, c.speaker) for c in CLIPS] * (copies + 1)
    for number, clip in enumerate(augmented[len(CLIPS) :]):
        clean = CLIPS[number % len(CLIPS)].audio
        snr = active_level(clean, 8_000) - rms_level(clip.audio - clean)
        assert SNR_DB[0] - 0.1 <= snr <= SNR_DB[1] + 0.1
        assert (clip.audio.dtype.name, clip.audio.shape) == ("float32", clean.shape)


def test_copies_follow_from_the_seed() -> None:
    first, again, other = (
        [clip.audio.tobytes() for clip in augment(CLIPS, 8_000, 2, seed)][len(CLIPS) :] for seed in (0, 0, 1)
    )
    assert first == again
    assert len({*first, *other}) == 4 * len(CLIPS)


@pytest.mark.parametrize("name", ["white", "pink"])
def test_no_noise_of_training_is_heard_in_test(name: str) -> None:
    for number, clip in enumerate(CLIPS):
        tested = apply(parse(f"noise:{name}@0dB"), clip.audio, 8_000, clip=str(number))[0] - clip.audio
        for copy in augment(CLIPS, 8_000, 3, 0)[len(CLIPS) :]:
            trained = copy.audio - CLIPS[int(copy.label)].audio
            assert abs(np.corrcoef(tested, trained)[0, 1]) < 0.3


def test_augmented_silence_is_silence() -> None:
    assert not augment([Clip(np.zeros(9, np.float32), "0", None)], 8_000, 1, 0)[1].audio.any()

"""Long recordings cut at pauses."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.whisper.pieces import pieces

RATE = 1000


@settings(max_examples=30)
@given(st.integers(1, 200_000), st.integers(0, 10))
def test_the_pieces_are_the_whole_and_none_is_too_long(samples: int, seed: int) -> None:
    audio = np.random.default_rng(seed).normal(size=samples).astype(np.float32)
    found = pieces(audio, RATE, 28.0)
    assert max(map(len, found)) <= 28 * RATE
    assert min(map(len, found)) > 0
    assert np.concatenate(found).tobytes() == audio.tobytes()


def test_a_cut_is_in_the_middle_of_the_pause() -> None:
    audio = np.random.default_rng(0).normal(size=46 * RATE).astype(np.float32)
    audio[20 * RATE : 20 * RATE + 600] = 0
    first, second = pieces(audio, RATE, 28.0)
    assert 20 * RATE < len(first) < 20 * RATE + 600
    assert len(second) == len(audio) - len(first)


def test_views_not_copies() -> None:
    audio = np.zeros(100 * RATE, np.float32)
    assert all(np.shares_memory(audio, piece) for piece in pieces(audio, RATE, 28.0))

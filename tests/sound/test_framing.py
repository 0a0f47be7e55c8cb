from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sound.activity import RATE
from sound.framing import BLOCK_S, handed, tight
from sound.segment import Segment

BLOCK = round(BLOCK_S * RATE)


def word(before: int, sounding: int, after: int, room: float = 1e-4) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """A tone between two pieces of a room, each so many blocks long."""
    noise = np.random.default_rng(0).normal(0, room, (before + sounding + after) * BLOCK)
    noise[before * BLOCK : (before + sounding) * BLOCK] += 0.3 * np.sin(np.arange(sounding * BLOCK) * 0.3)
    return noise.astype(np.float32)


@given(before=st.integers(0, 30), sounding=st.integers(8, 40), after=st.integers(0, 30))
def test_tight_is_what_sounds_within_a_block(before: int, sounding: int, after: int) -> None:
    audio = word(before, sounding, after)
    kept = tight(audio)
    assert abs(len(kept) - sounding * BLOCK) <= 2 * BLOCK
    start = next(at for at in range(0, len(audio), BLOCK) if np.array_equal(audio[at : at + len(kept)], kept))
    assert abs(start - before * BLOCK) <= BLOCK


@pytest.mark.parametrize("samples", [0, 1, BLOCK - 1, BLOCK, 5 * BLOCK + 3])
def test_silence_and_scraps_stay(samples: int) -> None:
    assert len(tight(np.zeros(samples, np.float32))) >= min(samples, BLOCK)


def test_a_backend_is_handed_what_it_wants() -> None:
    audio = word(40, 30, 12)
    segment = Segment(1, 0, 38 * BLOCK, 72 * BLOCK, audio)
    assert len(handed(segment, 0.0)) <= 32 * BLOCK
    np.testing.assert_array_equal(handed(Segment.whole(1, audio, RATE), 0.0), audio)
    np.testing.assert_array_equal(handed(segment, 0.1), audio[38 * BLOCK - RATE // 10 : 72 * BLOCK + RATE // 10])

"""Signs of failure in transcripts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.whisper.guard import RATIO, cap, loops, loud_s, ratio, sign

SENTENCE = "The stirring of the powers was in the house and nobody knew what to say about it."


@given(st.lists(st.integers(0, 50_000), unique=True))
def test_tokens_that_never_come_again_are_no_loop(tokens: list[int]) -> None:
    assert not loops(tokens)


@given(st.lists(st.integers(0, 50), max_size=20), st.lists(st.integers(0, 50), min_size=4, max_size=4))
def test_four_tokens_said_three_times_in_a_row_are(before: list[int], gram: list[int]) -> None:
    assert loops([*before, *gram, *gram, *gram])


def test_a_name_said_three_times_is_no_loop_and_five_times_is_one() -> None:
    name = [1, 2, 3, 4]
    assert not loops([*name, 7, *name, 8, *name])
    assert not loops([*name, *name, 8, *name])
    assert loops([*name, 7, *name, 8, *name, 9, *name, 10, *name])


def test_a_sentence_said_twice_is_below_the_ratio_and_many_times_above() -> None:
    assert 1.5 < ratio(f"{SENTENCE} {SENTENCE}") < RATIO < ratio(" ".join([SENTENCE] * 4))
    assert ratio("") == 0


@pytest.mark.parametrize(
    ("tokens", "seconds", "said"),
    [
        (range(cap(2.0)), 2.0, "endless"),
        ([1, 2, 3, 4] * 3, 4.0, "loop"),
        ([1, 2], 10.0, "too short"),
        ([1, 2], 2.0, ""),
        (range(25), 10.0, ""),
    ],
)
def test_sign(tokens: list[int], seconds: float, said: str) -> None:
    assert sign(tuple(tokens), SENTENCE, cap(seconds), seconds) == said


def test_the_loud_seconds_are_those_of_the_sound() -> None:
    rate = 16_000
    tone = np.sin(np.arange(3 * rate) * 0.3).astype(np.float32)
    quiet = np.full(2 * rate, 1e-3, np.float32)
    assert loud_s(np.concatenate([quiet, tone, quiet]), rate) == pytest.approx(3, abs=0.1)
    assert loud_s(tone[:10], rate) == 0

"""Word errors of texts that were said and heard."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import Asked
from bench import tasks
from bench.errors import BenchError
from bench.tasks.base import Mark
from bench.tasks.transcription import Transcription

TASK = Transcription(Asked("transcription"))
TEXTS = st.lists(st.sampled_from(["Two", "cats,", "twenty-one", "don't", "mind"]), max_size=6).map(" ".join)


def test_it_is_registered() -> None:
    assert tasks.find("transcription") is Transcription and not Transcription.closed


@pytest.mark.parametrize(
    ("reference", "answer", "mark"),
    [
        ("THE CAT SAT", "The cat sat.", (0, 3)),
        ("the cat sat", "a cat", (2, 3)),
        ("the cat", "the the the the cat sat", (4, 2)),
        ("the cat", None, (2, 2)),
        ("the cat", "...", (2, 2)),
        ("twenty one cats", "21 cats", (0, 2)),
    ],
)
def test_errors_are_of_words(reference: str, answer: str | None, mark: tuple[int, int]) -> None:
    assert TASK.mark(reference, answer) == Mark(*mark)


@given(st.lists(st.tuples(TEXTS.filter(bool), st.none() | TEXTS), max_size=6))
def test_marks_are_each_mark(said: list[tuple[str, str | None]]) -> None:
    references, answers = (pd.Series([each[i] for each in said], dtype=object) for i in (0, 1))
    marks = TASK.marks(references, answers)
    assert list(marks.itertuples(index=False, name=None)) == [TASK.mark(*each) for each in said]


def test_the_text_is_the_answer_whatever_the_label() -> None:
    labels = pd.Series(["x", None, "y", None], dtype=object)
    texts = pd.Series(["said x", "said", None, np.nan], dtype=object)
    answers = [None if pd.isna(each) else each for each in TASK.answers(labels, texts)]
    assert answers == ["said x", "said", "y", None]
    assert [TASK.answer(*each) for each in (("x", "said x"), (None, "said"), ("y", None), (None, None))] == answers


def test_a_reference_of_nothing_is_named() -> None:
    clips = pd.DataFrame({"clip": ["a", "b"], "reference": ["two cats", "(noise) ..."]})
    with pytest.raises(BenchError, match=r"clip 'b': its reference has no word"):
        TASK.check(clips)

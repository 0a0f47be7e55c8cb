"""Goals and the claim are told by the tables, and only those that the tables can answer."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.compression.goals import HARD, SHORT, claim, goals


def row(setting: str, kept: float, difference: float, **more: object) -> dict[str, object]:
    interval = {"low": difference - 0.01, "high": difference + 0.01}
    return {"setting": setting, "clip_kept": kept, "difference": difference, **interval, **more}


def test_the_least_kept_within_a_point_is_told() -> None:
    table = pd.DataFrame(
        [
            row(SHORT, 1, 0, corpus="librispeech"),
            row(f"{SHORT} +compress@light", 0.9, 0.0, corpus="librispeech"),
            row(f"{SHORT} +compress@balanced", 0.8, 0.01, corpus="librispeech"),
            row(HARD, 0.6, 0.011, corpus="librispeech"),
            row(HARD, 0.5, 0.0, corpus="common_voice"),
        ]
    )
    answers = goals({"corpora": table}).set_index("what")["is"]
    assert answers.tolist() == [
        f"20.0 % by {SHORT} +compress@balanced, +1.00 (+0.00 to +2.00)",
        f"50.0 % by {HARD}, +0.00 (-1.00 to +1.00)",
    ]
    assert goals({}).empty


@pytest.mark.parametrize(
    ("kept", "difference", "words"),
    [
        (0.6, 0.0, "leaves out 40.0%, and no loss of words is shown: +0.00"),
        (0.75, 0.0, "leaves out 25.0%, fewer than 30%, and no loss"),
        (0.6, 0.02, "and words are lost: +2.00 (+1.00 to +3.00) points"),
    ],
)
def test_the_claim_is_judged_by_tokens_and_by_words(kept: float, difference: float, words: str) -> None:
    assert words in claim({"joined": pd.DataFrame([row(HARD, kept, difference)])})
    assert not claim({"joined": pd.DataFrame([row(SHORT, kept, difference)])})

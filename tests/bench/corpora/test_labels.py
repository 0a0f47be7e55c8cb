from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.corpora.labels import Labels, fold
from bench.errors import BenchError

DIGITS = Labels.of({"7": ["seven"], "8": ["eight", "ate"], "10": ["ten"]})


@pytest.mark.parametrize("text", ["7", "seven", "Seven", " SEVEN\t", "7.0", "7.00", "\uff17", " 7 "])
def test_a_spelling_is_its_label(text: str) -> None:
    assert DIGITS.find(text) == "7"


@pytest.mark.parametrize(
    "text", ["07", "7.5", "70", "se ven", "sevens", "7,0", "seven.", "-7", "", "_background_noise_"]
)
def test_anything_else_is_outside(text: str) -> None:
    assert DIGITS.find(text) is None


def test_an_exact_label_comes_before_spellings() -> None:
    labels = Labels.of({"two": ["2"], "to": ["two", "TOO"], "Two": ["second"], "too": []})
    assert [labels.find(text) for text in ("two", "Two", "to", "too", "2")] == [
        "two",
        "Two",
        "to",
        "too",
        "2" and "two",
    ]
    with pytest.raises(BenchError, match="label 'TWO' may be any of two, Two"):
        labels.find("TWO")


def test_a_spelling_of_two_labels_is_an_error_only_where_it_is_used() -> None:
    labels = Labels.of({"0": ["zero", "oh"], "O": ["Oh"]})
    assert labels.find("zero") == "0"
    with pytest.raises(BenchError, match="label 'oh' may be any of 0, O"):
        labels.find("oh")


def test_a_number_may_be_written_either_way_round() -> None:
    assert Labels.of({"7.0": ["seven"], "7.5": ["half"]}).find("7") == "7.0"


@given(st.text(max_size=20))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) in (fold(text), fold(fold(fold(text))))
    assert fold(f"  {text} ") == fold(text)

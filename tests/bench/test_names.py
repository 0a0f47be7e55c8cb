from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.names import LONGEST_PART, MODIFIERS, Name, file_name

WORDS = st.text(st.characters(codec="utf-8", exclude_characters=":+"), min_size=1, max_size=12)
VALUES = st.text(st.characters(codec="utf-8", exclude_characters="+"), max_size=6)


@given(WORDS, st.text(st.characters(codec="utf-8", exclude_characters="+"), max_size=12), VALUES, st.booleans())
def test_parts_are_read_as_they_were_written(family: str, variant: str, value: str, noisy: bool) -> None:
    name = Name(family, variant, {"noise": value} if noisy else {})
    assert Name.parse(str(name)) == name


@given(st.text(st.sampled_from("ab:+@/. ") | st.characters(codec="utf-8"), max_size=30))
def test_whatever_is_read_reads_the_same_once_written(text: str) -> None:
    name = Name.parse(text)
    assert set(name.modifiers) <= set(MODIFIERS)
    assert Name.parse(str(name)) == name


@pytest.mark.parametrize(
    ("text", "family", "variant", "modifiers"),
    [
        ("chance", "chance", "", {}),
        ("faster-whisper:base.en", "faster-whisper", "base.en", {}),
        ("mfcc-svm+noise", "mfcc-svm", "", {"noise": ""}),
        ("mfcc-svm+framed+noise", "mfcc-svm", "", {"framed": "", "noise": ""}),
        ("mfcc-svm+noise@20dB", "mfcc-svm", "", {"noise": "20dB"}),
        ("a:b+noise", "a", "b", {"noise": ""}),
        ("a:b+compress@0.3", "a", "b", {"compress": "0.3"}),
        ("a+noise+compress@hard", "a", "", {"noise": "", "compress": "hard"}),
        ("mfcc-svm+other", "mfcc-svm+other", "", {}),
        ("mfcc-svm+noisy", "mfcc-svm+noisy", "", {}),
        ("mfcc-svm+other+noise", "mfcc-svm+other", "", {"noise": ""}),
        ("mfcc-svm+noise+other", "mfcc-svm+noise+other", "", {}),
        ("my+noise/file.py:Class", "my+noise/file.py", "Class", {}),
        ("C:/a+b/file.py:Class+noise", "C", "/a+b/file.py:Class", {"noise": ""}),
        ("+noise", "+noise", "", {}),
        ("", "", "", {}),
    ],
)
def test_only_known_modifiers_are_taken_off(text: str, family: str, variant: str, modifiers: dict[str, str]) -> None:
    name = Name.parse(text)
    assert (name.family, name.variant, dict(name.modifiers)) == (family, variant, modifiers)
    assert str(name) == text
    assert set(name.copies) == set(modifiers) - {"compress"}
    assert name.framed == ("framed" in modifiers)
    assert name.plain == Name(family, variant)


@given(st.lists(st.text(max_size=80), min_size=2, max_size=6, unique=True))
def test_file_names_are_safe_short_and_distinct(parts: list[str]) -> None:
    names = [file_name(part) for part in parts]
    assert len(set(names)) == len(names)
    for name in names:
        assert len(name.encode()) <= LONGEST_PART
        assert not set("/\\:\0 \n") & set(name)


def test_plain_names_stay_readable() -> None:
    assert file_name("mfcc-svm+noise") == "mfcc-svm+noise"
    assert file_name("faster-whisper:base") == "faster-whisper@base"
    assert file_name("faster-whisper@base") != "faster-whisper@base"

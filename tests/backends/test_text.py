"""Text to label: tables of what Whisper writes, and properties over any text."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import BackendError
from backends.text import TextMapper, text_to_label, words

DIGITS = {
    "0": ["zero", "oh", "o"],
    "1": ["one", "won"],
    "2": ["two", "to", "too"],
    "3": ["three"],
    "4": ["four", "for", "fore"],
    "5": ["five"],
    "6": ["six"],
    "7": ["seven"],
    "8": ["eight", "ate"],
    "9": ["nine"],
}
COMMANDS = {
    "yes": ["yeah"],
    "no": ["nope"],
    "left": ["turn left"],
    "right": ["turn right", "all right"],
    "on": ["switch on"],
    "off": ["switch off", "switch on standby"],
}


@pytest.mark.parametrize(("label", "spelling"), [(label, text) for label in DIGITS for text in (label, *DIGITS[label])])
@pytest.mark.parametrize("form", ["{}", " {}. ", "{}!", "“{}”", "'{}'", "-{}-", "... {}, you know"])
def test_every_spelling_in_every_dress(label: str, spelling: str, form: str) -> None:
    mapper = TextMapper(DIGITS)
    for text in (spelling, spelling.upper(), spelling.title()):
        assert mapper(form.format(text)) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Bye.", None),
        ("", None),
        ("...", None),
        ("Thank you for four.", "4"),
        ("five, six", "5"),
        ("Five-six", "5"),
        ("for-ty", "4"),
        ("oh-oh", "0"),
        ("fourteen", None),
        ("often", None),
        ("someone", None),
        ("stone", None),
        ("4th", None),
        ("I won't", None),
        ("I won\u2019t", None),
        ("o'clock", None),
        ("two_three", "2"),
        ("42", "4"),
        ("2.", "2"),
        ("2,000", "2"),
        ("0.5", "0"),
        ("1-2-3", "1"),
        ("$7", "7"),
        ("\uff14", "4"),
        ("\uff26\uff2f\uff35\uff32", "4"),
        ("\u0663", "3"),
        ("\u2462", "3"),
        ("3\u00a0!", "3"),
        ("fi\u00adve", None),
    ],
)
def test_digits(text: str, label: str | None) -> None:
    assert text_to_label(text, DIGITS) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Yes!", "yes"),
        ("no, yes", "no"),
        ("Turn LEFT.", "left"),
        ("turn around, right?", "right"),
        ("All-right", "right"),
        ("switch on", "on"),
        ("switch on standby", "off"),
        ("switch", None),
        ("nothing", None),
        ("7", None),
    ],
)
def test_another_vocabulary(text: str, label: str | None) -> None:
    assert text_to_label(text, COMMANDS) == label


def test_a_number_that_is_a_label_is_read_whole() -> None:
    mapper = TextMapper({"4": [], "42": []})
    assert [mapper(text) for text in ("42", "24", "4", "420")] == ["42", "4", "4", "4"]


def test_a_label_of_signs_needs_a_spelling() -> None:
    assert text_to_label("Plus.", {"+": ["plus"]}) == "+"
    with pytest.raises(BackendError, match="'\\+'"):
        TextMapper({"+": ["++"]})


def test_a_spelling_has_one_label() -> None:
    with pytest.raises(BackendError, match=r"'to'.*'2'.*'into'"):
        TextMapper({"2": ["To"], "into": ["to"]})


@given(st.text())
def test_any_text_gives_a_label_or_none(text: str) -> None:
    assert TextMapper(DIGITS)(text) in {*DIGITS, None}


@given(st.lists(st.sampled_from(["four", "2", "won", "bye", "fourteen", "10", "o'clock", "x"])), st.data())
def test_case_and_punctuation_do_not_matter(said: list[str], data: st.DataObject) -> None:
    signs = st.text([*string.whitespace, *(sign for sign in string.punctuation if sign != "'")], min_size=1)
    dressed = "".join(data.draw(signs) + data.draw(st.sampled_from([word, word.upper()])) for word in said)
    mapper = TextMapper(DIGITS)
    assert mapper(dressed) == mapper(" ".join(said))


@given(st.text(), st.sampled_from([text for label in DIGITS for text in (label, *DIGITS[label])]))
def test_the_first_label_wins(before: str, spelling: str) -> None:
    mapper = TextMapper(DIGITS)
    expected = mapper(before) or mapper(spelling)
    assert mapper(f"{before} . {spelling}") == expected


@given(st.text())
def test_words_are_stable(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)

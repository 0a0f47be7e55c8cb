"""Text to label: tables of what Whisper writes, and properties over any text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import BackendError
from backends.kit.text import TextMapper, text_to_label, words

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


FORMS = [
    *(
        "{}",
        " {}. ",
        "{}!",
        "\u201c{}\u201d",
        "'{}'",
        "-{}-",
        "[{}]",
        "({})",
        "\u266a {} \u266a",
        "{}\u2026",
        "- {}",
        "#{}",
        "{0}, {0}",
    ),
    *("Um, {}.", "Okay, {}, please.", "It's {}.", "It\u2019s a {}!", "That is {}.", "The number is {}.", "Number {}."),
]
"""A label as an answer."""


@pytest.mark.parametrize(("label", "spelling"), [(label, text) for label in DIGITS for text in (label, *DIGITS[label])])
@pytest.mark.parametrize("form", FORMS)
def test_every_spelling_in_every_dress(label: str, spelling: str, form: str) -> None:
    mapper = TextMapper(DIGITS)
    for text in (spelling, spelling.upper(), spelling.title()):
        assert mapper(form.format(text)) == label


@pytest.mark.parametrize("spelling", [text for label in DIGITS for text in (label, *DIGITS[label])])
@pytest.mark.parametrize(
    "form",
    [
        *("... {}, you know", "Thanks {} watching.", "The next {}.", "{} of us", "no {}", "the {}", "{} number"),
        *("uh-{}", "{0}-{0}", "twenty-{}", "twenty {}", "{}'s", "{}%", "${}", "+{}"),
    ],
)
def test_a_spelling_within_something_else_is_no_answer(spelling: str, form: str) -> None:
    mapper = TextMapper(DIGITS)
    assert mapper(form.format(spelling)) is None
    assert mapper(form.format(spelling).upper()) is None


@pytest.mark.parametrize(
    "text",
    [
        *("Bye.", "", "...", "It's", "Number.", "Okay.", "[BLANK_AUDIO]", "\u266a\u266a"),
        *("Thanks for watching.", "Thank you for watching!", "I'm going to do it.", "Oh my gosh."),
        *("Thank you for four.", "Thank you for", "This is for you.", "Want to?", "I ate"),
        *("We'll see you in the next one.", "That's the one.", "No one.", "one of them", "One number.", "to-do"),
        *("five, six", "Five-six", "One, two, three.", "1-2-3", "two_three", "Oh, seven.", "oh-oh", "Uh-oh."),
        *(
            "fourteen",
            "often",
            "someone",
            "stone",
            "4th",
            "1st",
            "second",
            "for-ty",
            "sev-en",
            "S-E-V-E-N",
            "VII",
            "\u2166",
        ),
        *("I won't", "I won\u2019t", "won't", "o'clock", "one's", "7's", "7s", "7pm", "7 a.m.", "7:30", "7-Eleven"),
        *(
            "42",
            "11",
            "11.",
            "007",
            "2,000",
            "2000",
            "0.5",
            "3.5",
            "7.0",
            ".7",
            "1/2",
            "1/1",
            "\u00bd",
            "1\u00bd",
            "1-1",
            "7,7",
        ),
        *(
            "twenty-one",
            "twenty one",
            "21",
            "one hundred",
            "$7",
            "7 \u20ac",
            "\u20b97",
            "7%",
            "7 \uff05",
            "7\u00b0",
            "\u21037",
            "-7",
            "\u22127",
        ),
        *("+7", "7+", "7 = 7", "fi\u00adve", "\u4e03"),
    ],
)
def test_no_digit(text: str) -> None:
    assert text_to_label(text, DIGITS) is None


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("2.", "2"),
        ("number two", "2"),
        ("it's for.", "4"),
        ("It's eight, eight.", "8"),
        ("Number two. Number two!", "2"),
        ("2, two, too", "2"),
        ("No. 7", "7"),
        ("No.7", "7"),
        ("\u21167", "7"),
        ("7 7 7", "7"),
        ("Seven \u2014 seven", "7"),
        ("...7", "7"),
        ("-Seven.", "7"),
        ("\uff14", "4"),
        ("\uff26\uff2f\uff35\uff32", "4"),
        ("\u0663", "3"),
        ("\u096d\u0964", "7"),
        ("\u2462", "3"),
        ("7\ufe0f\u20e3", "7"),
        ("3\u00a0!", "3"),
    ],
)
def test_digits(text: str, label: str) -> None:
    assert text_to_label(text, DIGITS) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("Yes!", "yes"),
        ("no, no, no", "no"),
        ("no, yes", None),
        ("Turn LEFT.", "left"),
        ("turn around, right?", None),
        ("All-right", "right"),
        ("It's on.", "on"),
        ("switch on", "on"),
        ("switch on standby", "off"),
        ("switch-on standby", "off"),
        ("switch", None),
        ("nothing", None),
        ("7", None),
    ],
)
def test_another_vocabulary(text: str, label: str | None) -> None:
    assert text_to_label(text, COMMANDS) == label


def test_a_number_that_is_a_label_is_read_whole() -> None:
    mapper = TextMapper(
        {"42": ["forty two"], "-4": ["minus four"]} | {label: [] for label in ("4", "2000", "3.5", "50%", "$4")}
    )
    for label, texts in {
        "42": ["42", "42!", "Forty-two", "forty two"],
        "4": ["4", "No. 4"],
        "2000": ["2,000", "2000"],
        "3.5": ["3.5"],
        "-4": ["-4", "Minus four."],
        "50%": ["50 %", "50%."],
        "$4": ["$4"],
        None: ["24", "420", "3 5", "35", "50", "4%", "4.2", "+4"],
    }.items():
        assert [mapper(text) for text in texts] == [label] * len(texts)


def test_what_the_vocabulary_holds_is_its_label() -> None:
    vocabulary: dict[str, list[str]] = {label: [] for label in ("uh-oh", "okay", "number one", "twenty one")}
    mapper = TextMapper(vocabulary | {"that": ["that's it"], "1": ["one"], "x": ["a seven"]})
    for text, label in {
        "Uh-oh!": "uh-oh",
        "uh, oh": "uh-oh",
        "Okay, okay.": "okay",
        "Okay, one.": None,
        "Number one.": "number one",
        "number 1": None,
        "That's it.": "that",
        "That.": "that",
        "Twenty-one": "twenty one",
        "It is one.": "1",
        "It's a seven.": "x",
    }.items():
        assert mapper(text) == label, text


@pytest.mark.parametrize(
    ("spelling", "texts"),
    [
        ("alt\u0131", ["Alt\u0131.", "ALTI", "alt\u0131, alt\u0131"]),
        ("iki", ["iki", "\u0130ki.", "\u0130K\u0130", "IKI"]),
        ("drei\u00dfig", ["Drei\u00dfig.", "dreissig", "DREISSIG", "DREI\u1e9eIG"]),
        ("s\u0259kkiz", ["S\u0259kkiz.", "S\u018fKK\u0130Z"]),
        ("f\u00fcnf", ["Fu\u0308nf!", "F\u00dcNF"]),
        ("\u043f'\u044f\u0442\u044c", ["\u041f\u2019\u044f\u0442\u044c", "\u043f\u02bc\u044f\u0442\u044c."]),
        ("\u4e03", ["\u4e03\u3002", "\u4e03\uff01", "\u300c\u4e03\u300d", "\u4e03\u3001\u4e03"]),
        ("\u0e40\u0e08\u0e47\u0e14", ["\u0e40\u0e08\u0e47\u0e14"]),
        ("\u0938\u093e\u0924", ["\u0938\u093e\u0924\u0964"]),
        ("\u05e9\u05d1\u05e2", ["\u200f\u05e9\u05d1\u05e2."]),
        ("um", ["Um.", "um"]),
    ],
)
def test_other_languages(spelling: str, texts: list[str]) -> None:
    mapper = TextMapper({"x": [spelling], "y": ["\u0442\u0440\u0438"]})
    assert [mapper(text) for text in texts] == ["x"] * len(texts)
    assert mapper(f"{spelling} \u0442\u0440\u0438") is None


def test_words_that_differ_in_marks_alone_are_different() -> None:
    mapper = TextMapper({"four": ["\u091a\u093e\u0930"], "thief": ["\u091a\u094b\u0930"]})
    assert mapper("\u091a\u093e\u0930") == "four"
    assert mapper("\u091a\u0930") is None


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


@given(st.text(alphabet="17no.,:/-+%$'\u00bd\u0307\u0130 \u2212\u20ac\ufe0f\u0301"))
def test_signs_and_digits_give_a_label_or_none(text: str) -> None:
    assert TextMapper(DIGITS)(text) in {"0", "1", "7", None}


SAID = ["four", "2", "won", "bye", "fourteen", "10", "o'clock", "x", "it's", "um"]


@given(st.lists(st.sampled_from(SAID), max_size=4), st.data())
def test_case_and_punctuation_do_not_matter(said: list[str], data: st.DataObject) -> None:
    signs = st.text('!?;"()[]*_~ \t\n\u266a\u2014\u3002', min_size=1)
    dressed = "".join(data.draw(signs) + data.draw(st.sampled_from([word, word.upper()])) for word in said)
    mapper = TextMapper(DIGITS)
    assert mapper(dressed) == mapper(" ".join(said))


@given(
    st.lists(st.sampled_from([text for label in DIGITS for text in (label, *DIGITS[label])]), min_size=1, max_size=4)
)
def test_one_label_said_again_is_the_answer_and_two_are_none(said: list[str]) -> None:
    mapper = TextMapper(DIGITS)
    labels = {mapper(spelling) for spelling in said}
    assert mapper(", ".join(said)) == (labels.pop() if len(labels) == 1 else None)


@given(st.text())
def test_words_are_stable(text: str) -> None:
    assert words(" ".join(words(text))) == words(text)


def test_long_texts_are_quick() -> None:
    began = time.perf_counter()
    assert TextMapper(DIGITS)("seven " * 100_000) == "7"
    assert TextMapper(DIGITS)("1" * 500_000 + ",-." * 100_000) is None
    assert time.perf_counter() - began < 10

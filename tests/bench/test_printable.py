"""What a terminal would obey, or a reader cannot see, is shown; what people write stays."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.printable import printable, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("seven\u202enevele", r"seven\u202enevele"),
        ("a\u200bb\u200dc\ufeff", r"a\u200bb\u200dc\ufeff"),
        ("one\ntwo\r\n\tthree\x85\u2028", r"one\ntwo\r\n\tthree\x85\u2028"),
        ("\udcff.wav", r"\udcff.wav"),
        ("\U000e0041", r"\U000e0041"),
        ("\u061c\u200e\u2066\uffff", r"\u061c\u200e\u2066\uffff"),
    ],
)
def test_the_unseen_is_shown(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "été",
        "e\u0301te\u0301",
        "हिन्दी",
        "क्\u200dष",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "ไทย",
        "שלום",
        "👩\u200d🚀",
        "❤️\u200d🔥",
        "空 白",
    ],
)
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == text


def test_further_lines_are_indented_where_asked() -> None:
    assert printable("one\ntwo\x1b\r", lines=True) == "one\n  two\\x1b\\r"


@given(st.text(st.characters()))
def test_nothing_unseen_is_left(text: str) -> None:
    shown = printable(text)
    assert not [char for char in shown if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")]
    assert not set(shown) & set("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    assert printable(shown) == shown
    assert "\n" not in printable(text)


@given(st.text(), st.integers(4, 40))
def test_long_text_is_cut_in_the_middle(text: str, most: int) -> None:
    cut = shortened(text, most)
    assert len(cut) <= most
    assert cut == printable(text) or "…" in cut

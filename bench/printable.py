"""Text from strangers, made safe to show: what a reader cannot see, or a terminal would obey, becomes an escape."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f"  # controls, which a terminal obeys
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2028\u2029\u3164\uffa0"  # no width, or a line's end
    r"\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff0-\ufffb"  # joiners, order of writing, byte order mark
    r"\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # halves of pairs, and what is no character
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: object, lines: bool = False) -> str:
    """``str(text)`` with control, bidirectional, zero-width and half characters as escapes such as ``\\x1b``.

    Letters and marks of every script stay, as do joiners where a script or an emoji needs one. With ``lines``, text may
    go on in further lines, which are indented: none reads as a line of its own.
    """
    whole = str(text)

    def shown(match: re.Match[str]) -> str:
        character = match.group()
        if lines and character == "\n":
            return "\n  "
        if _joins(whole, match.start()):
            return character
        return _SHORT.get(character) or _escape(ord(character))

    return _UNSEEN.sub(shown, whole)


def shortened(text: object, most: int) -> str:
    """``printable(text)`` in at most ``most`` characters: the middle of what is longer is left out."""
    whole = printable(text)
    if len(whole) <= most:
        return whole
    end = (most - 1) // 3
    return f"{whole[: most - 1 - end]}…{whole[len(whole) - end :]}"


def _escape(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _joins(text: str, at: int) -> bool:
    """Whether this is a joiner that is spelling: within an Arabic or Indic word, or between two emoji."""
    if text[at] not in "\u200c\u200d" or not 0 < at < len(text) - 1:
        return False
    before, after = text[at - 1], text[at + 1]
    if unicodedata.combining(before) == 9:  # a virama
        return unicodedata.category(after)[0] == "L"
    if unicodedata.bidirectional(before) == "AL":
        return unicodedata.bidirectional(after) == "AL"
    emoji = unicodedata.category(before) in ("So", "Sk") or before == "\ufe0f"
    return text[at] == "\u200d" and emoji and unicodedata.category(after) == "So"

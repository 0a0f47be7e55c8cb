"""From a transcript to a label.

The text is read in Unicode form NFKC without case and cut into words: runs of letters and digits, apostrophes inside
kept ("o'clock" holds no "o"). Everything else, hyphens too, only separates. The first word of the vocabulary wins, and
where several begin at one word the longest. A word counts whole: "fourteen" and "4th" are not four. The one exception
is a number that is no spelling itself, which is read digit by digit: "42" is heard as "4", "2,000" as "2".
"""

from __future__ import annotations

import re
import unicodedata

from backends.base import BackendError, Vocabulary

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_DIGIT = re.compile(r"\d")

Words = tuple[str, ...]


class TextMapper:
    """Finds a vocabulary's labels in text. A label is also a spelling of itself, unless it holds no letter or digit.

    Raises BackendError if two labels share a spelling, or a label has none.
    """

    __slots__ = ("_labels", "_longest")

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._labels: dict[Words, str] = {}
        for label, variants in vocabulary.items():
            spellings = {words(spelling) for spelling in (label, *variants)} - {()}
            if not spellings:
                raise BackendError(f"vocabulary: label {label!r} has no spelling with a letter or digit in it")
            for spelling in spellings:
                other = self._labels.setdefault(spelling, label)
                if other != label:
                    raise BackendError(
                        f"vocabulary: {' '.join(spelling)!r} is a spelling of {other!r} and of {label!r}"
                    )
        self._longest = max(map(len, self._labels), default=0)

    def __call__(self, text: str) -> str | None:
        """The label heard in ``text``, or None."""
        heard = words(text)
        for start, word in enumerate(heard):
            for end in range(start + self._longest, start, -1):
                if (label := self._labels.get(heard[start:end])) is not None:
                    return label
            if word.isdecimal():
                for digit in word:
                    if (label := self._labels.get((digit,))) is not None:
                        return label
        return None


def text_to_label(text: str, vocabulary: Vocabulary) -> str | None:
    """The label of ``vocabulary`` that ``text`` says first, or None; for many texts make a :class:`TextMapper` once."""
    return TextMapper(vocabulary)(text)


def words(text: str) -> Words:
    """Words of ``text`` without case, digits of every script as 0-9."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return tuple(_WORD.findall(_DIGIT.sub(lambda digit: str(int(digit[0])), plain.replace("\u2019", "'"))))

"""From a transcript to a label.

The rule: a text is an answer when it says one label and nothing else. Whatever the vocabulary does not spell makes it a
sentence, and a sentence is no answer, though it holds "for" or "one"; so do two labels. The label may be said again
("seven, seven"), after words that announce it ("it's", "that is a", "the number") and among sounds that mean nothing
("um", "okay", "please"): a short list for English, less the words that begin a spelling of the vocabulary. What is
written together counts whole or not at all: words ("fourteen"), hyphens ("twenty-one", "uh-oh"), apostrophes ("one's"),
numbers of several digits ("11", "3.5", "7:30", "½") and signs that are spoken ("7%", "$5", "-7"). A vocabulary that
holds such a spelling ("twenty one", "11", "uh-oh") has it as its label.

Texts are compared in Unicode form NFKC without case (Turkish capitals included), digits of every script as 0-9; other
punctuation, brackets and notes of music only separate. "No. 7" and "#7" are "number 7", "2,000" is "2000".
"""

from __future__ import annotations

import re
import unicodedata
from itertools import product

from backends.base import BackendError, Vocabulary

ANNOUNCING = (
    *(" ".join(each) for each in product(("it's", "it is", "that's", "that is", "this is"), ("a", "an"))),
    *("it's", "it is", "that's", "that is", "this is", "number", "digit", "the number", "the digit"),
    *("the number is", "the digit is", "the answer is"),
)
"""What is said before an answer, and leaves it one."""
MEANINGLESS = ("ah", "eh", "er", "erm", "hm", "hmm", "mm", "oh", "uh", "um", "ok", "okay", "please")
"""What is said anywhere around an answer, and leaves it one."""

_SAME = str.maketrans(dict.fromkeys("\u2018\u2019\u02bb\u02bc", "'") | dict.fromkeys("\u2010\u2011", "-"))
_DIGIT = re.compile(r"\d")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBER_SIGN = re.compile(r"\bno(?:\.\s*)?(?=\d)")
_INVISIBLE = re.compile("[\u20dd-\u20e4\ufe00-\ufe0f]|(?<=i)\u0307")  # a keycap's frame, an emoji's form, the dot of İ
_JOINING = "'.,:/\u2044-"
_SPOKEN = "%\u2030\u00b0\u00b1\u00d7\u00f7+=\u2212$\u00a2-\u00a5\u0e3f\u20a0-\u20c0"  # inside a pattern's brackets
_REST = rf"[^\s{_SPOKEN}{_JOINING}]"
_UNIT = re.compile(
    rf"(?<!\S)-(?=\d+(?![\d-]))|(?<!\S)\.(?=\d)|[{_SPOKEN}]"
    rf"|[^\W_]{_REST}*(?:(?:['-]|(?<=\d)[.,:/\u2044](?=\d)){_REST}+)*"
)

Words = tuple[str, ...]


class TextMapper:
    """Finds a vocabulary's labels in text. A label is also a spelling of itself, unless it holds no letter or digit.

    Raises BackendError if two labels share a spelling, or a label has none.
    """

    __slots__ = ("_announcing", "_labels", "_longest", "_meaningless")

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._labels: dict[str, str] = {}
        capitals: dict[str, str] = {}
        for label, variants in vocabulary.items():
            spellings = [spelling for spelling in (label, *variants) if words(spelling)]
            if not spellings:
                raise BackendError(f"vocabulary: label {label!r} has no spelling with a letter or digit in it")
            for spelling in spellings:
                phrase = _phrase(_units(spelling))
                other = self._labels.setdefault(phrase, label)
                if other != label:
                    raise BackendError(f"vocabulary: {phrase!r} is a spelling of {other!r} and of {label!r}")
                capitals.setdefault(_phrase(_units(spelling.upper())), label)
        self._labels = capitals | self._labels
        begins = {phrase.split()[0] for phrase in self._labels}
        self._announcing, self._meaningless = (
            {phrase for phrase in phrases if begins.isdisjoint(phrase.split())} for phrases in (ANNOUNCING, MEANINGLESS)
        )
        phrases = {*self._labels, *self._announcing}
        self._longest = max((len(phrase.split()) for phrase in phrases), default=0)

    def __call__(self, text: str) -> str | None:
        """The label that ``text`` says and nothing else, or None."""
        units = _units(text)
        labels: set[str] = set()
        start, announced = 0, False
        while start < len(units):
            for end in range(min(start + self._longest, len(units)), start, -1):
                phrase = _phrase(units[start:end])
                if (label := self._labels.get(phrase)) is not None:
                    labels.add(label)
                    announced = False
                elif phrase in self._announcing:
                    announced = True
                elif phrase not in self._meaningless:
                    continue
                start = end
                break
            else:
                return None
        return labels.pop() if len(labels) == 1 and not announced else None


def text_to_label(text: str, vocabulary: Vocabulary) -> str | None:
    """The label of ``vocabulary`` that ``text`` says, or None; for many texts make a :class:`TextMapper` once."""
    return TextMapper(vocabulary)(text)


def words(text: str) -> Words:
    """Words of ``text`` without case, digits of every script as 0-9; hyphens separate."""
    return tuple(word for word in _phrase(_units(text)).split() if word[0].isalnum())


def _units(text: str) -> list[str]:
    """What is written together in ``text``, and each spoken sign, in one form of the same letters and digits."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_SAME)
    plain = _DIGIT.sub(lambda digit: str(int(digit[0])), _INVISIBLE.sub("", plain))
    plain = _NUMBER_SIGN.sub("number ", _THOUSANDS.sub("", plain))
    return _UNIT.findall("".join(sign if _counts(sign) else " " for sign in plain))


def _counts(sign: str) -> bool:
    """Whether it is a letter, digit or mark, may join them, or is spoken; anything else only separates."""
    return sign in _JOINING or unicodedata.category(sign)[0] in "LMN" or _UNIT.match(sign) is not None


def _phrase(units: list[str]) -> str:
    """The same for "all right" and "all-right"."""
    return " ".join(unit.replace("-", " ") if len(unit) > 1 else unit for unit in units)

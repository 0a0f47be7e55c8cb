"""What a folder, a row or a file name calls a label, and which label of the vocabulary that is."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.errors import BenchError

Vocabulary = Mapping[str, Sequence[str]]

_DECIMALS = re.compile(r"(\d+)\.0+")  # spreadsheets and pandas write the number 7 so


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of a vocabulary, by how they may be written."""

    names: tuple[str, ...]
    written: Mapping[str, tuple[str, ...]]
    """Folded label -> the labels that are written so."""
    spoken: Mapping[str, tuple[str, ...]]
    """Folded spelling -> the labels that are spelt so."""

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> Labels:
        """The labels of ``vocabulary``, whose values are the spellings of its keys."""
        return cls(
            tuple(vocabulary),
            _grouped((fold(label), label) for label in vocabulary),
            _grouped((fold(word), label) for label, words in vocabulary.items() for word in words),
        )

    def find(self, text: str) -> str | None:
        """The label that ``text`` stands for, or None where it is outside the vocabulary.

        The label itself comes first, then a label that differs in case, spaces or ``.0``, then a spelling. Raises
        BenchError where two labels are meant equally well.
        """
        if text in self.names:
            return text
        folded = fold(text)
        meant = self.written.get(folded) or self.spoken.get(folded) or ()
        if len(meant) > 1:
            raise BenchError(
                f"label {text!r} may be any of {', '.join(meant)}: each is written so in the vocabulary; rename it, or"
                " take it from all of them but one"
            )
        return meant[0] if meant else None


def fold(text: str) -> str:
    """``text`` without what two hands write differently: case, spaces around it, several spaces, ``.0`` of a number.

    A leading zero stays: ``07`` is a speaker or a take as often as a seven.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    number = _DECIMALS.fullmatch(plain)
    return number[1] if number else plain


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    groups: dict[str, dict[str, None]] = {}
    for folded, label in pairs:
        groups.setdefault(folded, {})[label] = None
    return {folded: tuple(labels) for folded, labels in groups.items()}

"""Digits and other words of the same recordings: which, where in them, and of which part."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from bench.errors import BenchError

FILE = Path(__file__).with_name("words.csv")
"""Made once by ``python -m benchmarks.words``; the recordings themselves stay where DIGITBENCH_DATA says."""
DEV, TEST = "dev", "test"


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it was said in a recording, ``path`` under DIGITBENCH_DATA, from ``start`` to ``end`` in seconds.

    ``label`` is the digit it is, or empty. ``part``: choices are made on ``dev``, figures are of ``test``.
    """

    path: str
    corpus: str
    part: str
    word: str
    label: str
    start: float
    end: float

    @property
    def id(self) -> str:
        """Names it among all."""
        return f"{self.path}@{self.start:.2f}"


def read_words(path: Path = FILE) -> tuple[Word, ...]:
    """Raises BenchError for a file that is not there or not of words."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        words = tuple(
            Word(
                row["path"], row["corpus"], row["part"], row["word"], row["label"],
                float(row["start"]), float(row["end"]),
            )
            for row in rows
        )  # fmt: skip
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise BenchError(f"{path}: no list of words ({error})") from error
    if wrong := [word.id for word in words if not 0 <= word.start < word.end or word.part not in (DEV, TEST)]:
        raise BenchError(f"{path}: {wrong[0]} has no time or part")
    return words


def write_words(path: Path, words: Iterable[Word]) -> None:
    """What :func:`read_words` reads back."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(field.name for field in fields(Word))
        for word in words:
            out.writerow({**asdict(word), "start": f"{word.start:.2f}", "end": f"{word.end:.2f}"}.values())

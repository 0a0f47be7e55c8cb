"""What the rule from text to label changes, on texts that a run has kept.

``python -m benchmarks.labels results/fsdd results/robustness`` compares it with the simplest rule, the first word of
the vocabulary wins, and prints for each backend on how many texts they differ and how often each is right there.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backends.base import Vocabulary
from backends.kit.text import TextMapper, words
from bench.errors import BenchError
from bench.marks import open_run


@dataclass(frozen=True, slots=True)
class Change:
    """Texts of one backend on which the rules differ; of these, those with a label, and with the right one."""

    texts: int
    differ: int
    first_labels: int
    first_right: int
    labels: int
    right: int


def first(text: str, vocabulary: Vocabulary) -> str | None:
    """The label whose word comes first in ``text``; a number is read digit by digit."""
    spelt = {words(spelling): label for label, spoken in vocabulary.items() for spelling in (label, *spoken)}
    for word in words(text):
        for part in (word, *(word if not any(map(str.isalpha, word)) else ())):
            if (label := spelt.get((part,))) is not None:
                return label
    return None


def change(texts: list[tuple[str, str]], vocabulary: Vocabulary) -> Change:
    """``texts``: right label and text, in pairs."""
    mapper = TextMapper(vocabulary)
    both = [(label, first(text, vocabulary), mapper(text)) for label, text in texts]
    differ = [each for each in both if each[1] != each[2]]
    return Change(
        texts=len(texts),
        differ=len(differ),
        first_labels=sum(before is not None for _, before, _ in differ),
        first_right=sum(before == label for label, before, _ in differ),
        labels=sum(after is not None for _, _, after in differ),
        right=sum(after == label for label, _, after in differ),
    )


def changes(folder: Path) -> Iterator[tuple[str, Change]]:
    """Of each backend of a run that writes texts. Raises BenchError when the folder holds no run."""
    run = open_run(folder)
    kept = run.predictions.dropna(subset="text").drop_duplicates(["backend", "condition", "clip"])
    for backend, rows in kept.groupby("backend"):
        yield str(backend), change(list(zip(rows["reference"], rows["text"], strict=True)), run.info["vocabulary"])


def main() -> None:
    """Print a Markdown table, a line for each run and backend."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs")
    arguments = parser.parse_args()
    print("| run | backend | texts | differ | first word: labels there | right | the rule: labels there | right |")
    print("|---|---|---|---|---|---|---|---|")
    try:
        for folder in arguments.runs:
            for backend, it in changes(folder):
                figures = (it.texts, it.differ, it.first_labels, it.first_right, it.labels, it.right)
                print("|", " | ".join([folder.name, f"`{backend}`", *(f"{figure:,}" for figure in figures)]), "|")
    except BenchError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()

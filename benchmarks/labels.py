"""What the rule from text to label changes, on texts that a run has kept.

``python -m benchmarks.labels results/fsdd results/robustness`` compares it with the simplest rule, the first word of
the vocabulary wins, and prints for each backend on how many texts they differ and how often each is right there.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from backends.base import Vocabulary
from backends.kit.text import TextMapper, words
from bench.errors import BenchError
from bench.marks import open_run
from bench.report.build import replace_text
from bench.report.embed import embedded


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


def table(rows: list[tuple[str, str, Change]]) -> str:
    """A Markdown table, a line for each run and backend, and the sums in a sentence."""
    lines = [
        "| run | backend | texts | differ | first word: labels there | right | the rule: labels there | right |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run, backend, it in rows:
        lines.append("| " + " | ".join([run, f"`{backend}`", *(f"{figure:,}" for figure in astuple(it))]) + " |")
    first_labels, first_right, labels, right = (
        sum(getattr(it, name) for _, _, it in rows) for name in ("first_labels", "first_right", "labels", "right")
    )
    sums = (
        f"Where they differ, the first word is an answer {first_labels:,} times, {first_right:,} of them right;"
        f" the rule gives {labels:,}, {right:,} of them right."
    )
    return "\n".join([*lines, "", sums])


def main() -> None:
    """Print the table, or put it into a page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path, nargs="+", help="folders of runs")
    parser.add_argument("--page", type=Path, help="a page whose marks `labels` the table is put between")
    arguments = parser.parse_args()
    try:
        rows = [(folder.name, backend, it) for folder in arguments.runs for backend, it in changes(folder)]
        if arguments.page:
            replace_text(arguments.page, embedded(arguments.page.read_text(), table(rows), "labels"))
        else:
            print(table(rows))
    except BenchError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

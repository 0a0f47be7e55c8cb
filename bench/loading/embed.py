"""Put what a run of loaders says into a Markdown file, between two marks.

``python -m bench.loading.embed README.md results/loaders loading`` puts three lines between ``<!-- loading: begin -->``
and ``<!-- loading: end -->``; ``bill`` is the table of hours and dollars, ``claims`` what is claimed and was measured.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from bench.loading.claims import Pipeline, costs, equality
from bench.loading.loaders import OURS, REFERENCE
from bench.loading.report import Loaded, bill_table, claims_table, emotion_of
from bench.loading.runs import Asked, read
from bench.loading.tables import compared, pick
from bench.report.build import replace_text
from bench.report.embed import embedded
from bench.report.text.markdown import milliseconds, number


def headline(run: Loaded, figures: pd.DataFrame, emotion: Pipeline | None) -> str:
    """What loading costs, what it has to do with a pipeline, whether samples are equal: a line each."""
    lines = [_costs(run, figures), _pipeline(emotion), f"- Samples: {equality(run.agreement)}."]
    return "\n".join(line for line in lines if line)


def _costs(run: Loaded, figures: pd.DataFrame) -> str:
    parts = []
    slow, fast = (pick(figures, task="cold", loader=name, format="WAV16") for name in (REFERENCE, OURS))
    if slow is not None and fast is not None:
        parts.append(
            f"a process that reads one WAV takes {number(slow['wall_s'])} s with librosa, nearly all of it imports, and"
            f" {number(fast['wall_s'])} s with audiodecode ({number(fast['times'])} times as fast)"
        )
    for kind in ("WAV16", "MP3"):
        reference, ours = (
            pick(figures, task="whole", loader=name, format=kind, length_s=run.usual) for name in (REFERENCE, OURS)
        )
        if reference is not None and ours is not None:
            article = "an" if kind == "MP3" else "a"
            parts.append(
                f"after that {article} {kind} of {run.usual:g} s {milliseconds(reference['seconds'])} and"
                f" {milliseconds(ours['seconds'])} ms ({number(ours['times'])} times)"
            )
    return f"- Loading: {'; '.join(parts)}." if parts else ""


def _pipeline(emotion: Pipeline | None) -> str:
    if not emotion:
        return ""
    several = max((workers for way, workers in emotion.times if way == "exact"), default=1)
    return (
        f"- In a pipeline of 312 features a file, loading is {100 * emotion.loading:.1f} % of the time: no loader makes"
        f" it more than {1 / (1 - emotion.loading):.2f} times as fast. Computing nothing twice makes it"
        f" {number(emotion.times['exact', 1])} times as fast with features equal to the last bit, on {several}"
        f" processes {number(emotion.times['exact', several])} times."
    )


def bill(run: Loaded, figures: pd.DataFrame, emotion: Pipeline | None) -> str:
    """Hours and dollars for as many files, at the price, that the command line has where nothing is said."""
    asked = Asked()
    return bill_table(costs(figures, run.usual, asked.files, asked.dollars, emotion))


def claimed(run: Loaded, figures: pd.DataFrame, emotion: Pipeline | None) -> str:
    """The table of claims."""
    return claims_table(run, figures, emotion)


PARTS: Mapping[str, Callable[[Loaded, pd.DataFrame, Pipeline | None], str]] = MappingProxyType(
    {"loading": headline, "bill": bill, "claims": claimed}
)


def main() -> None:
    """Embed and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("part", choices=PARTS)
    arguments = parser.parse_args()
    run = read(arguments.run)
    content = PARTS[arguments.part](run, compared(run.samples), emotion_of(arguments.run / "emotion"))
    replace_text(arguments.file, embedded(arguments.file.read_text(), content, arguments.part))


if __name__ == "__main__":
    main()

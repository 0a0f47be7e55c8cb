"""The chapters that a task adds to the report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from bench.names import FLOOR
from bench.records.schema import Run
from bench.report.tables.outcomes import family
from bench.report.text.markdown import Column, escape, table
from bench.report.text.summary import first_header, kind_writers
from bench.tasks.base import Fact, Part, Section


def columns(run: Run, facts: Sequence[Fact], corpus: bool = True) -> list[Column]:
    """A task's columns, ready for a table; the first one names the corpus where asked."""
    kinds = kind_writers(run)
    heads = [escape(fact.header) for fact in facts]
    if corpus:
        heads[0] = first_header(run, facts[0].header)
    return [
        Column(head, fact.key, kinds[fact.kind], fact.best, fact.interval, bold=False)
        for head, fact in zip(heads, facts, strict=True)
    ]


def sections(run: Run, tables: Mapping[str, pd.DataFrame], pictures: Callable[..., list[str]]) -> list[str]:
    """In Markdown, each with its plot where that is drawn."""
    blocks: list[str] = []
    for section in run.task.sections(run, tables):
        blocks += [f"## {section.title}", section.text]
        for part in _parts(section, tables["accuracy"]):
            heading = ", ".join(filter(None, (escape(part.backend), part.heading)))
            body = table(part.frame, columns(run, part.facts))
            blocks.append(f"### {heading}\n\n{body}" if heading else body)
        blocks += pictures(section.picture) if section.picture else []
    return blocks


def _parts(section: Section, scores: pd.DataFrame) -> Sequence[Part]:
    """The parts to show: of the best backend of each family alone, where the section is of that kind."""
    if not section.best_only:
        return section.parts
    ranked = scores[scores["backend"] != FLOOR].assign(family=scores["backend"].map(family))
    best = set(ranked.drop_duplicates("family")["backend"])
    return [part for part in section.parts if part.backend in best]

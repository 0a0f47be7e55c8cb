"""Which differences between backends are real, and how accuracy differs by speaker."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pandas as pd

from bench.names import FLOOR, LOSO
from bench.records.schema import Run
from bench.report.tables.accuracy import column as speaker_column
from bench.report.tables.measure import column, figure, header, shown
from bench.report.tables.outcomes import splits, tested
from bench.report.text import sections
from bench.report.text.markdown import Column, count, details, escape, p_value, percent, table
from bench.report.text.summary import first_header
from bench.splits import SPLITS
from bench.stats.paired import ALPHA
from bench.tasks.base import LOW, Measure, Task


def differences(run: Run, scores: pd.DataFrame, pairs: pd.DataFrame) -> list[str]:
    """Per split, the ranks and whether neighbours differ."""
    task, measure = run.task, run.task.measure
    unheard = next((split for split in splits(run) if not SPLITS[split].heard), LOSO)
    blocks = [
        "## Which differences are real",
        f"Rank = 1 + the number of backends shown to be better, by the {task.test} on the same clips,"
        f" Holm-corrected over all pairs of a split at {ALPHA}. What no test separates can share a rank. The test"
        f" speaks of these clips; how far a figure holds for other speakers is what the interval of {unheard} says.",
    ]
    for split in splits(run):
        ranked, tests = scores[scores["split"] == split], pairs[pairs["split"] == split]
        if ranked.empty:
            continue
        columns = [
            Column(first_header(run, "rank"), "rank", count, LOW, bold=False),
            Column("backend", "backend", escape),
            column(measure, header(measure), bold=False),
            *sections.columns(run, task.facts, corpus=False),
        ]
        blocks += [
            f"### {split}, {len(tested(run, split)):,} clips",
            table(shown(ranked.sort_values("rank", kind="stable"), measure), columns),
        ]
        figures = {
            name: f"{escape(name)} ({figure(share, measure)} %)"
            for name, share in zip(ranked["backend"], ranked["accuracy"], strict=True)
        }
        neighbours = set(pairwise(ranked["backend"]))
        near = [row for row in _rows(tests) if (row["a"], row["b"]) in neighbours]
        blocks.append("\n".join(_sentence(row, figures, measure) for row in near))
        if len(tests):
            title = f"Every pair of backends, {split}: {len(tests)}"
            blocks.append(details(title, table(tests, _pair_columns(run, task))))
    return blocks if len(blocks) > 2 else []


def _sentence(pair: pd.Series, figures: Mapping[str, str], measure: Measure) -> str:
    a, b = (figures[pair[side]] for side in ("a", "b"))
    verdict = f"{a} is better than {b}" if pair["holm_p"] < ALPHA else f"{a} and {b}: no difference shown"
    evidence = f"{pair['a_only']:,} clips only the first has {measure.better}, {pair['b_only']:,} only the second"
    return f"- {verdict}; {evidence}, Holm p: {p_value(pair['holm_p'])}."


def _pair_columns(run: Run, task: Task) -> list[Column]:
    return [
        Column(first_header(run, "a"), "a", escape),
        Column("b", "b", escape),
        Column(f"clips only a has {task.measure.better}", "a_only", count),
        Column(f"clips only b has {task.measure.better}", "b_only", count),
        Column("difference of rates, points (95 % interval)", "difference", percent, "", ("low", "high"), bold=False),
        Column(f"p, {task.test.removesuffix(' test')}", "p", p_value),
        Column("p, Holm", "holm_p", p_value),
    ]


def by_speaker(run: Run, speakers: pd.DataFrame) -> list[str]:
    """Accuracy on each speaker who was left out of training."""
    if speakers.empty:
        return []
    measure = run.task.measure
    names = [name for name in speakers.columns if name != "backend"]
    clips = tested(run, LOSO).map(speaker_column).value_counts()
    figures = speakers.assign(**{name: speakers[name].map(measure.shown) for name in names})
    columns = [Column(first_header(run, "backend"), "backend", escape)]
    columns += [Column(f"{escape(name)}, %, n = {clips[name]:,}", name, percent, measure.best) for name in names]
    text = f"{measure.title} of `{LOSO}`: each speaker by a model that never heard them."
    return ["## By speaker", text, table(figures, columns, candidate=is_candidate)]


def _rows(frame: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in frame.iterrows()]


def is_candidate(row: pd.Series) -> bool:
    """Whether a row may be best: the floor may not."""
    return bool(row["backend"] != FLOOR)

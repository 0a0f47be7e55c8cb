"""The summary in six columns says what the whole one says."""

from __future__ import annotations

import pytest

from bench.records.schema import Run
from bench.report.build import brief_markdown, summary_markdown
from tests.bench import factory


def made(splits: tuple[str, ...], latency: bool = True) -> Run:
    table = factory.clips()
    heard = factory.heard(table, "small", wrong=["1_ann_0"], of=splits)
    timings = factory.timings({"small": 0.01}) if latency else None
    config = {"seed": 0, "splits": list(splits), "threads": [1, 2], "latency_clips": 200 if latency else 0}
    return factory.run(heard, table, timings, ran=splits, config=config)


def cells(markdown: str) -> list[list[str]]:
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_six_columns_with_the_figures_of_the_whole_summary() -> None:
    run = made(("official", "mixed", "loso"))
    head, _, row = cells(brief_markdown(run))
    whole_head, _, whole = cells(summary_markdown(run))
    figures = dict(zip(whole_head, whole, strict=True))
    assert head == [
        "backend (toy)", "new speakers, % ↑", "known speakers, % ↑", "ms per clip ↓", "memory, MB ↓", "model, MB ↓",
    ]  # fmt: skip
    assert row == [
        "small",
        figures["loso accuracy, % (95 % interval), n = 90 ↑"],
        figures["official accuracy, % (95 % interval), n = 18 ↑"].partition(" (")[0],
        figures["ms per clip, p50 ↓"],
        figures["above idle, MB ↓"],
        figures["model, MB ↓"],
    ]


@pytest.mark.parametrize(
    ("splits", "latency", "heads"),
    [
        (("mixed",), True, ["known speakers, % ↑", "ms per clip ↓", "memory, MB ↓"]),
        (("loso",), False, ["new speakers, % ↑"]),
        (("all",), False, ["accuracy, % ↑"]),
    ],
)
def test_what_was_not_run_has_no_column(splits: tuple[str, ...], latency: bool, heads: list[str]) -> None:
    head, *_ = cells(brief_markdown(made(splits, latency)))
    assert head == ["backend (toy)", *heads, "model, MB ↓"]


def test_an_empty_cell_says_why() -> None:
    table = factory.clips()
    rows = factory.heard(table, "half")
    run = factory.run(rows[rows["clip"].str.contains("_ann_")], table)
    assert "(1) half heard 30 of the 90 test clips of loso: a figure needs them all." in brief_markdown(run)

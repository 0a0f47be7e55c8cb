"""report.md, top to bottom, and the tables beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from bench.errors import BenchError
from bench.records.schema import Run
from bench.report.spreadsheet import csv
from bench.report.tables import accuracy, cost
from bench.report.tables.conditions import condition_tables
from bench.report.tables.outcomes import outcomes
from bench.report.tables.summary import order, summary
from bench.report.text import choosing, differences, provenance, robustness, sections, speed
from bench.report.text.markdown import escape
from bench.report.text.summary import brief, render


@dataclass(frozen=True, slots=True)
class Report:
    """A run in words and numbers. Tables hold raw numbers: fractions, seconds, bytes; the unit is in the name."""

    markdown: str
    tables: Mapping[str, pd.DataFrame]


PICTURES: Mapping[str, str] = MappingProxyType(
    {
        "accuracy_latency": "Accuracy against latency, with the Pareto front",
        "accuracy_snr": "Accuracy against the signal-to-noise ratio, a panel per noise",
        "accuracy_conditions": "Accuracy under each condition, in shades",
        "latency": "Distribution of latency by backend",
        "coldstart": "What cold starts are made of",
        "speakers": "Accuracy on each speaker",
        "confusion": "Confusion matrices",
        "reliability": "Reliability of scores",
    }
)
"""Plots that the report shows where they are drawn, and what one sees."""


def build(run: Run, drawn: Collection[str] = ()) -> Report:
    """Derive the report of a run: the same records give the same bytes. ``drawn`` names the plots in ``plots/``."""
    frames = tables(run)

    def pictures(*names: str) -> list[str]:
        return [f"![{PICTURES[name]}](plots/{name}.svg)" for name in names if name in drawn]

    blocks = [
        f"# {escape(run.info['name'])}: {run.task.nouns} compared",
        *provenance.banners(run),
        provenance.reading(run),
        "## Summary",
        render(run, frames["summary"]),
        provenance.after_summary(run),
        *pictures("accuracy_latency"),
        *choosing.which_one(run, frames),
        *differences.differences(run, frames["accuracy"], frames["pairs"]),
        *robustness.robustness(run, frames, pictures("accuracy_snr", "accuracy_conditions")),
        *speed.speed(run, frames),
        *pictures("latency", "coldstart"),
        *differences.by_speaker(run, frames["speakers"]),
        *pictures("speakers"),
        *sections.sections(run, frames, pictures),
        *provenance.losses(run),
        *provenance.origin(run),
    ]
    corpus = run.info["corpus"]["name"]
    named = {
        name: pd.concat([pd.Series(corpus, frame.index, name="corpus"), frame], axis=1)
        for name, frame in frames.items()
    }
    return Report("\n\n".join(filter(None, blocks)) + "\n", named)


def tables(run: Run) -> dict[str, pd.DataFrame]:
    """Every table of a run, by name, in raw numbers."""
    seed = int(run.info["config"].get("seed", 0))
    task = run.task
    rows = outcomes(run)
    scores = accuracy.accuracy(rows, task, seed)
    pairs = accuracy.pairs(rows, scores, task)
    latency, coldstart, resources = cost.latency(run), cost.coldstart(run), cost.resources(run)
    head = summary(run, scores, latency, coldstart, resources)
    names = list(head["backend"])
    return {
        "summary": head,
        "accuracy": accuracy.ranked(scores, pairs),
        "pairs": pairs,
        "latency": latency,
        "latency_ratios": cost.latency_ratios(run, seed),
        "coldstart": coldstart,
        "throughput": cost.throughput(run),
        "resources": order(resources, names),
        "speakers": order(accuracy.speakers(rows), names),
        **{name: _ordered(frame, names) for name, frame in task.tables(run, rows).items()},
        **condition_tables(run, task),
    }


def _ordered(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """A table with one row per split and backend in the order of the summary; any other as it is."""
    keys = ["split", "backend"]
    alone = set(keys) <= set(frame.columns) and not frame.duplicated(keys).any()
    return order(frame, names, "split") if alone else frame


def robustness_markdown(run: Run) -> str:
    """What conditions did, in words alone. Raises BenchError of a run that had none."""
    frames = condition_tables(run, run.task)
    if not frames:
        raise BenchError(f"{run.folder}: heard clean clips only; give the run --conditions")
    return "\n\n".join(robustness.claims(run.task, frames))


def drawn(folder: Path) -> set[str]:
    """Names of the plots in a run's folder."""
    return {path.stem for path in (folder / "plots").glob("*.svg")}


def summary_markdown(run: Run) -> str:
    """The summary table alone."""
    return render(run, tables(run)["summary"])


def brief_markdown(run: Run) -> str:
    """The summary table in six narrow columns."""
    return brief(run, tables(run)["summary"])


def files(report: Report) -> dict[str, str]:
    """The report's files, by path inside the run's folder.

    Ten digits are kept: the last ones of a float depend on the processor's vector unit.
    """
    return {"report.md": report.markdown, **{f"tables/{name}.csv": csv(frame) for name, frame in report.tables.items()}}


def write(report: Report, folder: Path) -> None:
    """Write report.md and tables/*.csv, each in one step. Raises BenchError when the folder cannot be written."""
    for name, text in files(report).items():
        replace_text(folder / name, text)


def replace_text(path: Path, text: str) -> None:
    """Put a text file in place in one step: never half of it. Raises BenchError when that cannot be done."""
    partial = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(text.encode())
        partial.replace(path)
    except OSError as error:
        raise BenchError(
            f"{path}: cannot be written ({error.strerror}); free the disk or choose another folder"
        ) from error

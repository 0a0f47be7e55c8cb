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
from bench.report.tables import cost, heard
from bench.report.tables.outcomes import outcomes
from bench.report.text import choosing, hearing, provenance, robustness, speed
from bench.report.text.markdown import escape
from bench.report.text.summary import brief, order, render, summary


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
    made = tables(run)

    def pictures(*names: str) -> list[str]:
        return [f"![{PICTURES[name]}](plots/{name}.svg)" for name in names if name in drawn]

    blocks = [
        f"# {escape(run.info['name'])}: digit recognisers compared",
        *provenance.banners(run),
        hearing.reading(run),
        "## Summary",
        render(run, made["summary"]),
        hearing.after_summary(run),
        *pictures("accuracy_latency"),
        *choosing.which_one(run, made),
        *hearing.differences(run, made["accuracy"], made["pairs"]),
        *robustness.robustness(run, made, pictures("accuracy_snr", "accuracy_conditions")),
        *speed.speed(run, made),
        *pictures("latency", "coldstart"),
        *hearing.by_speaker(run, made["accuracy"], made["speakers"]),
        *pictures("speakers"),
        *hearing.confusions(run, made["accuracy"], made["confusion"]),
        *pictures("confusion"),
        *hearing.texts(run, made["wrong_texts"], made["agreement"]),
        *hearing.calibration(run, made["calibration"]),
        *pictures("reliability"),
        *provenance.losses(run),
        *provenance.origin(run),
    ]
    corpus = run.info["corpus"]["name"]
    named = {
        name: pd.concat([pd.Series(corpus, frame.index, name="corpus"), frame], axis=1) for name, frame in made.items()
    }
    return Report("\n\n".join(filter(None, blocks)) + "\n", named)


def tables(run: Run) -> dict[str, pd.DataFrame]:
    """Every table of a run, by name, in raw numbers."""
    seed = int(run.info["config"].get("seed", 0))
    rows = outcomes(run)
    scores = heard.accuracy(rows, seed)
    pairs = heard.pairs(rows, scores)
    latency, coldstart, resources = cost.latency(run), cost.coldstart(run), cost.resources(run)
    head = summary(run, scores, latency, coldstart, resources)
    names = list(head["backend"])
    return {
        "summary": head,
        "accuracy": heard.ranked(scores, pairs),
        "pairs": pairs,
        "latency": latency,
        "latency_ratios": cost.latency_ratios(run, seed),
        "coldstart": coldstart,
        "throughput": cost.throughput(run),
        "resources": order(resources, names),
        "speakers": order(heard.speakers(rows), names),
        "confusion": heard.confusion(rows),
        "wrong_texts": heard.wrong_texts(run),
        "agreement": heard.agreement(run),
        "calibration": order(heard.calibration(rows, list(run.info["vocabulary"])), names, "split"),
        **robustness.robustness_tables(run),
    }


def robustness_markdown(run: Run) -> str:
    """What conditions did, in words alone. Raises BenchError of a run that had none."""
    made = robustness.robustness_tables(run)
    if not made:
        raise BenchError(f"{run.folder}: heard clean clips only; give the run --conditions")
    return "\n\n".join(robustness.claims(made))


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

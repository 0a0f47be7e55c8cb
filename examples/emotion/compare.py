"""The ways against each other: rounds of fresh processes, equality, a profile, what loading alone could gain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from bench.errors import BenchError
from bench.machine import describe_machine
from bench.progress import Reporter
from bench.report.build import replace_text
from bench.report.plots.style import COLOURS, HATCHES, INK, Plot, named, new_figure, png, styled
from bench.report.text.markdown import Column, count, milliseconds, number, table
from bench.stats import time_ratio
from examples.emotion.files import WAYS, Row
from examples.emotion.table import pieces, rows
from examples.emotion.where import LONGEST, READING

SAME, CLOSE = "equal to the last bit", "largest relative difference "


def compare(folder: Path, paths: Sequence[str], out: Path, rounds: int, say: Reporter) -> Path:
    """Measure, and write rounds.csv, stages.csv, where.png and comparison.md to ``out``; returns the last."""
    out.mkdir(parents=True, exist_ok=True)
    several = max(2, len(os.sched_getaffinity(0)))
    runs = [(way, workers) for way in WAYS for workers in ((1,) if way == "plain" else (1, several))]
    measured, stages, tables = list[dict[str, Any]](), dict[str, dict[str, float]](), dict[str, list[Row]]()
    with say.task("comparison", rounds * len(runs) + len(WAYS)) as advance:
        for turn in range(rounds):
            for way, workers in np.random.default_rng(turn).permutation(np.array(runs, dtype=object)):
                figures, file_rows = _fresh(folder, paths, way, workers, profile=False)
                measured.append({"round": turn, "way": way, "workers": workers, "files": len(paths), **figures})
                tables[way] = file_rows
                advance(1)
        for way in WAYS:
            stages[way] = _fresh(folder, paths, way, 1, profile=True)[0]["stages"]
            advance(1)
    frame, shares = pd.DataFrame(measured), pd.DataFrame(stages).rename_axis("stage").reset_index()
    frame.to_csv(out / "rounds.csv", index=False)
    shares.to_csv(out / "stages.csv", index=False)
    with styled():
        (out / "where.png").write_bytes(png(chart(shares, len(paths))))
    replace_text(out / "comparison.md", text(frame, shares, tables))
    return out / "comparison.md"


def _fresh(
    folder: Path, paths: Sequence[str], way: str, workers: int, profile: bool
) -> tuple[dict[str, Any], list[Row]]:
    with TemporaryDirectory() as parts:
        asked = {
            "folder": str(folder), "parts": parts, "paths": list(paths), "way": way, "workers": workers,
            "profile": profile,
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "examples.emotion.timed"],
            input=json.dumps(asked), capture_output=True, text=True, check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )  # fmt: skip
        if done.returncode:
            raise BenchError(f"{way}, {workers} processes: {done.stderr.strip().splitlines()[-1:]}")
        return json.loads(done.stdout), list(rows(pieces(folder, paths, way, Path(parts))))


def summary(frame: pd.DataFrame, tables: dict[str, list[Row]]) -> pd.DataFrame:
    """A row for each way and number of processes: medians of seconds, and how many times as fast as plain."""
    frame = frame.assign(
        work_s=frame["longest_s"] + frame["features_s"],
        whole_s=frame["start_s"] + frame["longest_s"] + frame["features_s"],
    )
    plain = frame[frame["way"] == "plain"].set_index("round")
    records = []
    for (way, workers), some in frame.groupby(["way", "workers"], sort=False):
        rounds = some.set_index("round").loc[plain.index]
        row: dict[str, Any] = {"way": way, "workers": workers, "agree": agreement(tables["plain"], tables[str(way)])}
        row |= {name: float(rounds[name].median()) for name in ("start_s", "longest_s", "features_s", "cpu_s")}
        row["file_s"] = row["features_s"] / len(tables[str(way)])
        for name in ("features", "cpu", "work", "whole"):
            ratio = time_ratio(plain[f"{name}_s"], rounds[f"{name}_s"], processes=plain.index)
            row |= {name: ratio.value, f"{name}_low": ratio.low, f"{name}_high": ratio.high}
        records.append(row)
    order = {way: place for place, way in enumerate(WAYS)}
    return pd.DataFrame(records).sort_values(["way", "workers"], key=lambda s: s.map(order) if s.name == "way" else s)


def agreement(plain: Sequence[Row], other: Sequence[Row]) -> str:
    """How the features of two ways agree, over every file and feature."""
    left, right = (np.array([row.features for row in rows_]) for rows_ in (plain, other))
    if np.array_equal(left, right, equal_nan=True):
        return SAME
    off = np.abs(left - right) / np.maximum(np.abs(left), np.finfo(np.float32).tiny)
    return f"{CLOSE}{np.nanmax(off):.1g}"


def text(frame: pd.DataFrame, shares: pd.DataFrame, tables: dict[str, list[Row]]) -> str:
    """comparison.md."""
    files = len(tables["plain"])
    seconds = sum(row.seconds for row in tables["plain"])
    plain = shares.set_index("stage")["plain"]
    loading, longest = plain[READING] / (plain.sum() - plain[LONGEST]), plain[LONGEST] / plain.sum()
    ratios = [Column(header, key, number, "↑", (f"{key}_low", f"{key}_high"), bold=False) for header, key in (
        ("features, times plain", "features"), ("their CPU, times plain", "cpu"), ("with the pass", "work"),
        ("whole command", "whole"),
    )]  # fmt: skip
    columns = [
        Column("way", "way"), Column("processes", "workers", count), Column("start, s", "start_s", number),
        Column("pass for the longest, s", "longest_s", number), Column("features, s", "features_s", number),
        Column("ms a file", "file_s", milliseconds), Column("CPU of features, s", "cpu_s", number), *ratios,
        Column("features against plain", "agree"),
    ]  # fmt: skip
    machine = describe_machine()
    ms = shares.assign(**{way: 1e3 * shares[way] / files for way in WAYS})
    stages = [Column("CPU ms a file", "stage"), *(Column(way, way, number) for way in WAYS)]
    return "\n".join((
        "# The emotion pipeline", "",
        f"{files} files, {seconds:,.1f} s; {frame['round'].nunique()} rounds of fresh processes, one thread each;"
        f" {machine['cpu']}, {machine['cores']} cores. Ratios are plain's time over this way's, with a 95 % interval"
        " over rounds.", "",
        table(summary(frame, tables), columns), "",
        "## Where the time goes", "",
        "![Milliseconds a file by stage, for each way](where.png)", "",
        table(ms, stages), "",
        f"Reading is {100 * loading:.1f} % of what plain does for its features: with a loader that took no time it"
        f" would be {1 / (1 - loading):.2f} times as fast (Amdahl's law). Its pass for the longest file, which changes"
        f" no feature, is {100 * longest:.1f} % of the whole; headers tell the same.", "",
    ))  # fmt: skip


def chart(shares: pd.DataFrame, files: int) -> Plot:
    """Milliseconds a file by stage, a bar for each way."""
    figure = new_figure(8, 6.5)
    axes = figure.subplots()
    height = 0.8 / len(WAYS)
    for place, way in enumerate(WAYS):
        values = 1e3 * shares[way] / files
        at = np.arange(len(shares)) + (place - (len(WAYS) - 1) / 2) * height
        total = f"{way}, {values.sum():.1f} ms a file"
        bars = axes.barh(at, values, height * 0.92, color=COLOURS[place], hatch=HATCHES[place], edgecolor=INK,
                         linewidth=0.4, label=total)  # fmt: skip
        axes.bar_label(bars, [f"{value:.2f}" for value in values], padding=3, fontsize=7)
    axes.set_yticks(np.arange(len(shares)), [named(stage) for stage in shares["stage"]])
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("CPU ms a file, one process, profiled")
    axes.set_title("Where the time goes")
    axes.legend(loc="lower right")
    return Plot("where", "Where the time goes", "", "Bars of milliseconds by stage", figure)

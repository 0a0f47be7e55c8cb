"""The parts of report.md that are about what hearing costs."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import pandas as pd

from bench.records.schema import Run
from bench.report.tables import cost
from bench.report.text.differences import is_candidate
from bench.report.text.markdown import (
    ABSENT,
    Column,
    count,
    count_threads,
    details,
    escape,
    megabytes,
    milliseconds,
    number,
    table,
)
from bench.report.text.summary import first_header
from bench.stats import calls_needed
from bench.tasks.base import HIGH, LOW

Tables = Mapping[str, pd.DataFrame]


def speed(run: Run, tables: Tables) -> list[str]:
    """Latency and its ratios, cold start, throughput, resources."""
    blocks: list[str] = []
    backend = Column(first_header(run, "backend"), "backend", escape)
    latency = tables["latency"]
    if len(latency):
        blocks += [
            "## Latency",
            "One clip at a time, warm, from samples in memory at the corpus's own rate to a label. RTF is processing"
            " time over audio duration: of the sums, and as the mean over clips. Stages are medians; features are"
            " known where the backend marks them.",
        ]
        blocks += [
            f"### {count_threads(threads)}\n\n{table(rows, _latency_columns(backend, latency), _too_few, is_candidate)}"
            for threads, rows in latency.groupby("threads")
        ]
    blocks += _ratios(run, tables["latency_ratios"], latency)
    if len(tables["coldstart"]):
        columns = [
            backend,
            Column("fresh processes", "processes", count),
            Column("interpreter, s", "start_s", number, LOW),
            Column("import, s", "import_s", number, LOW),
            Column("load, s", "load_s", number, LOW),
            Column("first prediction, s", "first_s", number, LOW),
            Column("import + load + first, s", "cold_s", number, LOW),
        ]
        blocks += ["## Cold start", "Medians.", table(tables["coldstart"], columns, candidate=is_candidate)]
    if len(tables["throughput"]):
        columns = [
            backend,
            Column("best batch, clips", "batch", count),
            Column("clips per second", "clips_per_s", number, HIGH),
            Column("times a batch of one", "times_single", number, HIGH),
            Column("RTF", "rtf", number, LOW),
        ]
        blocks.append("## Throughput")
        blocks += [
            f"### {count_threads(threads)}\n\n{table(rows, columns, candidate=is_candidate)}"
            for threads, rows in tables["throughput"].groupby("threads")
        ]
    memory = [
        Column("peak RSS, MB", "peak_rss_bytes", megabytes, LOW),
        Column("above idle, MB", "above_idle_bytes", megabytes, LOW),
    ]
    columns = [
        backend,
        *(memory if cost.measures_cost(run) else []),
        Column("model, MB", "model_bytes", megabytes, LOW),
        Column("parameters", "parameters", count, LOW),
        Column("packages, MB", "install_bytes", megabytes, LOW),
    ]
    heading = "## Memory and size" if cost.measures_cost(run) else "## Size"
    note = "Packages are those the backend needs, with theirs; idle is a worker without a backend."
    if (gpus := run.info["machine"].get("gpus")) is not None:
        there = escape(", ".join(gpus)) if gpus else "no GPU"
        note += f" GPU memory and utilisation: {there}: not measured."
    return [*blocks, heading, note, table(tables["resources"], columns, candidate=is_candidate)]


def _latency_columns(backend: Column, latency: pd.DataFrame) -> list[Column]:
    front = [Column("front end, ms", "front_s", milliseconds, LOW)] if latency["front_s"].notna().any() else []
    return [
        backend,
        Column("timed calls", "calls", count),
        Column("p50, ms", "p50_s", milliseconds, LOW),
        Column("p95, ms", "p95_s", milliseconds, LOW),
        Column("p99, ms", "p99_s", milliseconds, LOW),
        Column("RTF", "rtf", number, LOW),
        Column("RTF, mean of clips", "rtf_mean_of_clips", number, LOW),
        Column("resample, ms", "resample_s", milliseconds, LOW),
        *front,
        Column("features, ms", "features_s", milliseconds, LOW),
        Column("model, ms", "model_s", milliseconds, LOW),
    ]


def _too_few(row: pd.Series, key: str) -> str:
    if key in ("p95_s", "p99_s"):
        return f"needs {calls_needed(float(key[1:3]))} calls, has {row['calls']:,}"
    return ABSENT


def _ratios(run: Run, ratios: pd.DataFrame, latency: pd.DataFrame) -> list[str]:
    """At the headline thread count, in words for neighbours and in full for all pairs."""
    threads = cost.headline_threads(run)
    rows = ratios[ratios["threads"] == threads]
    if rows.empty:
        return []
    slowest_first = latency[latency["threads"] == threads]["backend"].iloc[::-1]
    neighbours = {frozenset(two) for two in pairwise(slowest_first)}
    sentences = [_ratio_sentence(row) for _, row in rows.iterrows() if frozenset((row["a"], row["b"])) in neighbours]
    columns = [
        Column(first_header(run, "slower, a"), "a", escape),
        Column("faster, b", "b", escape),
        Column("paired calls", "calls", count),
        Column("a takes times as long as b (95 % interval)", "ratio", number, interval=("ratio_low", "ratio_high")),
    ]
    return [
        f"### Which are faster ({count_threads(threads)})",
        "Ratios of paired calls on the same clip in the same round; intervals over fresh processes, each on its own.",
        "\n".join(sentences),
        details(f"Every pair of backends: {len(rows)}", table(rows, columns)),
    ]


def _ratio_sentence(pair: pd.Series) -> str:
    a, b = escape(pair["a"]), escape(pair["b"])
    figure = f"{number(pair['ratio'])} ({number(pair['ratio_low'])}-{number(pair['ratio_high'])})"
    if pair["ratio_low"] <= 1 <= pair["ratio_high"]:
        return f"- {a} and {b}: no difference shown; time ratio {figure}."
    quick, slow = (b, a) if pair["ratio"] > 1 else (a, b)
    return f"- {quick} is faster than {slow}; {a} takes {figure} times as long as {b}."

"""The story that is told of loaders, and what of it was measured: in words, hours and dollars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench.loading.loaders import OURS, REFERENCE
from bench.loading.many import LOOP
from bench.loading.tables import pick
from bench.report.text.markdown import number
from bench.stats import time_ratio

TOLD_S = 6.0
"""Seconds that librosa.load is said to take for a file."""
MANY = "audiodecode.load_many"


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The emotion pipeline as it was compared: share of its time that is loading, times faster, seconds a file."""

    loading: float
    times: dict[tuple[str, int], float]
    file_s: dict[tuple[str, int], float]
    start_s: float


def pipeline(rounds: pd.DataFrame, stages: pd.DataFrame) -> Pipeline:
    """Of the tables that ``examples/emotion_features.py --compare`` writes."""
    plain = stages.set_index("stage")["plain"]
    loading = plain["reading"] / (plain.sum() - plain["pass for the longest file"])
    files = int(rounds["files"].iloc[0])
    work = rounds.assign(work_s=rounds["longest_s"] + rounds["features_s"])
    seconds = {
        (str(some["way"].iloc[0]), int(some["workers"].iloc[0])): some.set_index("round")["work_s"].sort_index()
        for _, some in work.groupby(["way", "workers"])
    }
    base = seconds["plain", 1]
    return Pipeline(
        float(loading),
        {key: time_ratio(base, each, processes=base.index).value for key, each in seconds.items()},
        {key: float(each.median()) / files for key, each in seconds.items()},
        float(rounds["start_s"].median()),
    )


def claims(
    table: pd.DataFrame, agreement: pd.DataFrame, usual: float, emotion: Pipeline | None
) -> list[tuple[str, str]]:
    """What is claimed, and what this run says of it."""
    return [
        (f"librosa.load takes {TOLD_S:g} s a file", _a_file(table, usual)),
        ("one changed import makes the pipeline 200 times faster", _pipeline(table, usual, emotion)),
        ("loading is what makes audio pipelines slow", _loading(emotion)),
        ("the samples are bit-perfect", equality(agreement)),
        ("it is faster for every format", _formats(table, usual)),
    ]


def _a_file(table: pd.DataFrame, usual: float) -> str:
    first, cold = (pick(table, task=task, loader=REFERENCE, format="WAV16") for task in ("first", "cold"))
    parts = [
        f"{number(row['wall_s'])} s for the first file of {what}"
        for row, what in ((cold, "a process, nearly all of it imports"), (first, "the first process after an install"))
        if row is not None
    ]
    warm = [
        (kind, pick(table, task="whole", loader=REFERENCE, format=kind, length_s=usual)) for kind in ("WAV16", "MP3")
    ]
    parts += [
        f"{number(1e3 * row['wall_s'])} ms for each further {kind} of {usual:g} s"
        for kind, row in warm
        if row is not None
    ]
    return "; ".join(parts) or "not measured"


def _pipeline(table: pd.DataFrame, usual: float, emotion: Pipeline | None) -> str:
    cold = pick(table, task="cold", loader=OURS, format="WAV16")
    first = pick(table, task="first", loader=OURS, format="WAV16")
    warm = pick(table, task="whole", loader=OURS, format="WAV16", length_s=usual)
    parts = [f"loading a WAV: {number(warm['times'])} times"] if warm is not None else []
    if cold is not None:
        parts.append(f"a process that loads one WAV and ends: {number(cold['times'])} times")
    if first is not None:
        parts.append(f"the first such process after an install: {number(first['times'])} times")
    if emotion:
        parts.append(f"the emotion pipeline: at most {number(1 / (1 - emotion.loading))} times by loading alone")
        if shared := emotion.times.get(("exact", 1)):
            parts.append(f"computing nothing twice makes it {number(shared)} times, with equal features")
    return "; ".join(parts) or "not measured"


def _loading(emotion: Pipeline | None) -> str:
    if not emotion:
        return "not measured: make loaders compares the emotion pipeline, too"
    return f"{100 * emotion.loading:.1f} % of the time of 312 features a file is loading"


def equality(agreement: pd.DataFrame) -> str:
    """In how many cases audiodecode's samples are librosa's, and which are not."""
    ours = agreement[(agreement["loader"] == OURS) & (agreement["task"] != "duration") & agreement["equal"].notna()]
    if ours.empty:
        return "not measured"
    unequal = ours[~ours["equal"].astype(bool)]
    text = f"equal to librosa in {len(ours) - len(unequal)} of {len(ours)} cases"
    if len(unequal):
        text += "; not: " + ", ".join(sorted({f"{row['format']} {row['task']}" for _, row in unequal.iterrows()}))
    without = agreement[(agreement["loader"] == OURS) & agreement["equal"].isna() & (agreement["error"] == "")]
    if len(without):
        text += f"; {', '.join(sorted(set(without['format'])))} cannot be compared, librosa does not read it here"
    return text


def _formats(table: pd.DataFrame, usual: float) -> str:
    some = table[(table["task"] == "whole") & (table["loader"] == OURS) & (table["length_s"] == usual)]
    return (
        ", ".join(f"{row['format']} {number(row['times'])}" for _, row in some.iterrows() if row["times"] > 0)
        or "not measured"
    )


def costs(table: pd.DataFrame, usual: float, files: int, dollars: float, emotion: Pipeline | None) -> pd.DataFrame:
    """Seconds and dollars for ``files`` files at ``dollars`` an hour, by each way of loading them."""
    rows: list[dict[str, Any]] = [{"way": f"as told, {TOLD_S:g} s a file", "seconds": TOLD_S * files}]
    for loader in (REFERENCE, OURS):
        for kind in ("WAV16", "MP3"):
            cold = pick(table, task="cold", loader=loader, format=kind)
            warm = pick(table, task="whole", loader=loader, format=kind, length_s=usual)
            if cold is None or warm is None:
                continue
            what = f"{kind} of {usual:g} s"
            rows.append({"way": f"{loader}, {what}, a new process each", "seconds": cold["wall_s"] * files})
            rows.append(
                {"way": f"{loader}, {what}, one process", "seconds": cold["wall_s"] + warm["wall_s"] * (files - 1)}
            )
    rows += [
        {"way": f"{way}, MP3s of speech", "seconds": row["wall_s"] / row["length_s"] * files}
        for way in (LOOP, MANY)
        if (row := pick(table, task="many", loader=way)) is not None
    ]
    for (way, workers), each in (emotion.file_s if emotion else {}).items():
        called = f"emotion features, {way}, {workers} process{'es' if workers > 1 else ''}"
        rows.append({"way": called, "seconds": (emotion.start_s if emotion else 0.0) + each * files})
    frame = pd.DataFrame(rows)
    return frame.assign(hours=frame["seconds"] / 3600, dollars=frame["seconds"] / 3600 * dollars)

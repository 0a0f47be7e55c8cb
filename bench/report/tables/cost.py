"""Tables of what hearing costs. Times are seconds, sizes bytes; warm-up calls count nowhere."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from bench import stats
from bench.records.schema import Run

PERCENTILES = (50, 95, 99)


def headline_threads(run: Run) -> int:
    """The thread count of the summary: the largest that was timed."""
    return max([*run.info["config"].get("threads", []), *run.latency["threads"].unique()], default=1)


def measures_cost(run: Run) -> bool:
    """Whether latency, cold start and memory were asked for: a run may be about accuracy alone."""
    return bool(run.info["config"].get("latency_clips", 1))


def timed(run: Run) -> pd.DataFrame:
    """Timed calls with ``latency_s``, from PCM at the corpus's own rate to a label: resampling included."""
    calls = run.latency[~run.latency["warmup"].astype(bool)]
    return calls.assign(latency_s=calls["resample_s"] + calls["predict_s"])


def latency(run: Run) -> pd.DataFrame:
    """A row per thread count and backend: percentiles where there are calls enough, RTF, median stages."""
    rows = []
    for (threads, backend), calls in timed(run).groupby(["threads", "backend"]):
        points = [stats.percentile(calls["latency_s"], p) for p in PERCENTILES]
        rtf = stats.real_time_factor(calls["latency_s"], calls["audio_s"])
        model = calls["predict_s"] - calls["features_s"] - calls["front_s"].fillna(0.0)
        parts = (calls["resample_s"], calls["front_s"], calls["features_s"], model)
        stages = [float(stage.median()) for stage in parts]
        rows.append((threads, backend, len(calls), *points, *rtf, *stages))
    columns = ["threads", "backend", "calls", *(f"p{p}_s" for p in PERCENTILES), "rtf", "rtf_mean_of_clips"]
    columns += ["resample_s", "front_s", "features_s", "model_s"]
    return pd.DataFrame(rows, columns=columns).sort_values(["threads", "p50_s", "backend"], ignore_index=True)


def latency_ratios(run: Run, seed: int) -> pd.DataFrame:
    """How many times as long the slower backend, a, takes as b, over the calls of the same process, round and clip."""
    rows = []
    turn = ["process", "round", "clip"]
    for threads, calls in timed(run).groupby("threads"):
        calls = calls.assign(call=calls.groupby(["backend", *turn]).cumcount())
        wide = calls.pivot(index=[*turn, "call"], columns="backend", values="latency_s")
        wide = wide.loc[pd.MultiIndex.from_frame(calls[[*turn, "call"]]).unique()]
        slowest_first = wide.median().sort_index().sort_values(ascending=False, kind="stable").index
        for a, b in combinations(slowest_first, 2):
            both = wide[[a, b]].dropna()
            if len(both):
                rounds, processes = (both.index.get_level_values(level) for level in ("round", "process"))
                ratio = stats.time_ratio(both[a], both[b], rounds, processes, seed=seed)
                rows.append((threads, a, b, len(both), *ratio))
    return pd.DataFrame(rows, columns=["threads", "a", "b", "calls", "ratio", "ratio_low", "ratio_high"])


def coldstart(run: Run) -> pd.DataFrame:
    """Medians over fresh processes; ``cold_s`` is import, load and first prediction together, quickest first."""
    stages = ["import_s", "load_s", "first_s"]
    starts = run.coldstart[run.coldstart["threads"] == headline_threads(run)]
    table = starts.assign(cold_s=starts[stages].sum(axis=1, skipna=False))
    medians = table.groupby("backend")[["start_s", *stages, "cold_s"]].median()
    counts = table.groupby("backend").size().rename("processes")
    frame = counts.to_frame().join(medians).reset_index()
    return frame.sort_values(["cold_s", "backend"], ignore_index=True)


def throughput(run: Run) -> pd.DataFrame:
    """The batch size with most clips per second, per thread count and backend, against a batch of one."""
    tried = run.throughput.assign(clips_per_s=run.throughput["clips"] / run.throughput["predict_s"])
    rows = []
    for (threads, backend), group in tried.groupby(["threads", "backend"]):
        best = group.sort_values(["clips_per_s", "batch"], ascending=[False, True]).iloc[0]
        single = group[group["batch"] == 1]["clips_per_s"].max()
        rtf = best["predict_s"] / best["audio_s"]
        rows.append((threads, backend, best["batch"], best["clips_per_s"], best["clips_per_s"] / single, rtf))
    columns = ["threads", "backend", "batch", "clips_per_s", "times_single", "rtf"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(["threads", "clips_per_s", "backend"], ascending=[True, False, True], ignore_index=True)


def resources(run: Run) -> pd.DataFrame:
    """Memory of the worker at the headline thread count, and the size of what a product would ship."""
    memory = run.resources[run.resources["threads"] == headline_threads(run)]
    memory = memory.assign(above_idle_bytes=memory["peak_rss_bytes"] - memory["idle_rss_bytes"])
    peaks = memory.groupby("backend")[["peak_rss_bytes", "above_idle_bytes"]].max().astype(float)
    sizes = ["model_bytes", "parameters", "install_bytes"]
    entries = pd.DataFrame(run.info["backends"], columns=["name", *sizes]).rename(columns={"name": "backend"})
    entries[sizes] = entries[sizes].astype(float)
    frame = entries.merge(peaks.reset_index(), on="backend", how="outer").sort_values("backend", ignore_index=True)
    return frame[["backend", "peak_rss_bytes", "above_idle_bytes", *sizes]].replace({None: np.nan})

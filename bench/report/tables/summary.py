"""The one table that answers the question: a row per backend, in raw numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.names import FLOOR
from bench.records.schema import Run
from bench.report.tables import cost
from bench.report.tables.accuracy import SHARE, fact_columns
from bench.report.tables.outcomes import backends, splits

LATENCY = ("p50_s", "p95_s", "rtf")
MEMORY = ("peak_rss_bytes", "above_idle_bytes")


def summary(
    run: Run, scores: pd.DataFrame, latency: pd.DataFrame, coldstart: pd.DataFrame, resources: pd.DataFrame
) -> pd.DataFrame:
    """Every backend, best first by the hardest split, then the next; the floor last.

    The task's own figures are of the hardest split that was run; costs are at the largest thread count.
    """
    frame = pd.DataFrame({"backend": backends(run)}).set_index("backend")
    ran = splits(run)
    for split in ran:
        by_backend = scores[scores["split"] == split].set_index("backend")
        frame = frame.join(by_backend[["clips", *SHARE]].add_prefix(f"{split}_"))
    hardest = scores[scores["split"] == ran[0]] if ran else scores.iloc[:0]
    at_most = latency[latency["threads"] == cost.headline_threads(run)].set_index("backend")
    parts: list[pd.DataFrame | pd.Series] = [hardest.set_index("backend")[fact_columns(run.task)]]
    parts += [at_most[["calls", *LATENCY]], coldstart.set_index("backend")[["cold_s"]]]
    parts += [resources.set_index("backend")[[*MEMORY, "model_bytes"]]]
    frame = frame.join(parts, how="left")
    frame["floor"] = frame.index == FLOOR
    keys = ["floor", *(f"{split}_accuracy" for split in ran)]
    frame = frame.sort_index(kind="stable").sort_values(
        keys, ascending=[True] + [False] * len(ran), kind="stable", na_position="last"
    )
    return frame.drop(columns="floor").reset_index()


def order(frame: pd.DataFrame, names: Sequence[str], *keys: str) -> pd.DataFrame:
    """Rows by ``keys``, then in the order of the summary's backends."""
    place = {name: i for i, name in enumerate(names)}
    sortable = frame.assign(_place=frame["backend"].map(place))
    return sortable.sort_values([*keys, "_place"], kind="stable", ignore_index=True).drop(columns="_place")

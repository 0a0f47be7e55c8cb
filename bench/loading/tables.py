"""Numbers of the report, of the rows that were measured. Seconds, bytes, ratios; nothing is rounded."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from bench.loading.loaders import ALL, LOADERS, OURS, REFERENCE
from bench.stats import time_ratio

KEYS = ["task", "format", "length_s", "loader"]
WALL = ("cold", "first", "evicted", "many", "memory")
"""Tasks told by the clock on the wall; the others by processor time, which another program does not lengthen."""
ROUNDING = 1e-6
"""Samples of full scale 1 that differ by less differ by rounding."""


FEWEST = 3
"""Rounds below which no interval is told: of two it says next to nothing."""


class Ratio(NamedTuple):
    """How many times as fast as librosa, and the ends of its interval, NaN where there is none."""

    value: float
    low: float
    high: float


def least(samples: pd.DataFrame) -> pd.DataFrame:
    """The shortest timing of each round, a row each: whatever else the machine did only adds."""
    timed = samples[samples["wall_s"].notna()]
    return timed.groupby([*KEYS, "round"], as_index=False, sort=False)[["wall_s", "cpu_s"]].min()


def compared(samples: pd.DataFrame, reference: str = REFERENCE) -> pd.DataFrame:
    """A row for each case and loader: medians over rounds, and how many times as fast as ``reference`` it is."""
    shortest = least(samples)
    rows = []
    for keys, rounds in shortest.groupby(KEYS, sort=False):
        task, kind, length, _ = keys
        clock = "wall_s" if task in WALL else "cpu_s"
        same = (shortest["task"] == task) & (shortest["format"] == kind) & (shortest["length_s"] == length)
        base = shortest[same & (shortest["loader"] == reference)]
        ratio = _ratio(base, rounds, clock)
        row: dict[str, Any] = dict(zip(KEYS, keys, strict=True))
        row |= {
            "wall_s": rounds["wall_s"].median(),
            "cpu_s": rounds["cpu_s"].median(),
            "seconds": rounds[clock].median(),
        }
        rows.append({**row, "times": ratio.value, "low": ratio.low, "high": ratio.high, "rounds": len(rounds)})
    columns = [*KEYS, "wall_s", "cpu_s", "seconds", "times", "low", "high", "rounds"]
    return pd.DataFrame(rows, columns=columns).sort_values(KEYS, key=_order, kind="stable", ignore_index=True)


def duration_against_load(samples: pd.DataFrame) -> pd.DataFrame:
    """Durations by audiodecode against reading the file by librosa, which is how durations are often had."""
    whole = samples[(samples["task"] == "whole") & (samples["loader"] == REFERENCE)].assign(task="duration")
    return compared(pd.concat([whole, samples[(samples["task"] == "duration") & (samples["loader"] == OURS)]]))


def _order(column: pd.Series[Any]) -> pd.Series[Any]:
    """Formats and loaders in the order of their tables, others after them; numbers by size."""
    known = {"format": ALL, "loader": tuple(LOADERS)}.get(str(column.name))
    if known is None:
        return column
    return column.map(lambda name: known.index(name) if name in known else len(known))


def _ratio(base: pd.DataFrame, rounds: pd.DataFrame, clock: str) -> Ratio:
    both = base.merge(rounds, on="round", suffixes=("_base", "_own"))
    if both.empty:
        return Ratio(float("nan"), float("nan"), float("nan"))
    ratio = Ratio(*time_ratio(both[f"{clock}_base"], both[f"{clock}_own"], processes=both["round"]))
    return ratio if len(both) >= FEWEST else ratio._replace(low=float("nan"), high=float("nan"))


def pick(table: pd.DataFrame, **wanted: Any) -> pd.Series[Any] | None:
    """The row of a table whose columns have these values; None where there is none."""
    mask = np.ones(len(table), dtype=bool)
    for key, value in wanted.items():
        mask &= (table[key] == value).to_numpy()
    return table[mask].iloc[0] if mask.any() else None


def agrees(row: Any) -> str:
    """How a loader's samples agree with librosa's, in words."""
    if row["error"]:
        return "fails"
    if pd.isna(row["equal"]):
        if pd.isna(row["too_long"]):
            return "librosa fails"
        return f"librosa fails; {int(row['too_long']):+,} samples" if row["too_long"] else "librosa fails; right length"
    if row["equal"]:
        return "equal"
    right = ", the right length" if row["too_long"] == 0 else ""
    parts = [f"{int(row['longer']):+,} samples{right}"] if row["longer"] else []
    if not pd.isna(row["largest"]):
        within = "within" if row["largest"] < ROUNDING else "off by up to"
        parts.append(f"{within} {row['largest']:.1g}")
    return ", ".join(parts) or "not equal"


def agreement_of(table: pd.DataFrame, loader: str, kind: str, task: str) -> str:
    """One word for all lengths where they agree alike, else the words of each."""
    some = table[(table["loader"] == loader) & (table["format"] == kind) & (table["task"] == task)]
    if task == "duration":
        return _same_value(table, some)
    return " / ".join(dict.fromkeys(agrees(row) for _, row in some.sort_values("length_s").iterrows()))


def _same_value(table: pd.DataFrame, some: pd.DataFrame) -> str:
    words = []
    for _, row in some.sort_values("length_s").iterrows():
        if row["error"]:
            words.append("fails")
        else:
            off = row["value"] - row["length_s"]
            words.append("right" if abs(off) < 1e-4 else f"{1e3 * off:+.3g} ms")
    return " / ".join(dict.fromkeys(words))

"""Who can be chosen: the figures that decide, what is shown about them, and who is beaten in every way."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from bench.names import FLOOR, LOSO
from bench.records.schema import Run
from bench.report.tables.outcomes import absence, failure, splits
from bench.splits import SPLITS
from bench.stats.paired import ALPHA

COSTS = ("p50_s", "above_idle_bytes", "model_bytes")
"""What is paid for accuracy; less is better."""
FIGURES = ("accuracy", "accuracy_low", "accuracy_high", "clips", "p50_s", "p95_s", "cold_s", *COSTS[1:])


@dataclass(frozen=True, slots=True)
class Candidates:
    """Backends that can be chosen between.

    table: backend, trained and FIGURES (fractions, seconds, bytes, NaN where unknown), most accurate first, then
    cheapest. split: whose test clips accuracy is of, empty if none was run. new_speakers: whether nobody had heard the
    speakers. better: (a, b) where a is shown to be more accurate than b. unjudged: why a backend cannot be chosen, by
    name.
    """

    table: pd.DataFrame
    split: str
    new_speakers: bool
    better: frozenset[tuple[str, str]]
    unjudged: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """Of the candidates, most accurate first."""
        return list(self.table["backend"])

    def row(self, name: str) -> pd.Series:
        """A candidate's row of the table."""
        return self.table[self.table["backend"] == name].iloc[0]

    def accuracy(self, name: str) -> float:
        """Share of the clips that a candidate has right."""
        return float(self.row(name)["accuracy"])

    def only(self, names: Collection[str]) -> Candidates:
        """These candidates, and no others."""
        kept = self.table[self.table["backend"].isin(list(names))].reset_index(drop=True)
        return replace(self, table=kept)

    def front(self) -> Candidates:
        """The Pareto set over accuracy and COSTS. It holds the first candidate, to whom nobody is superior."""
        return self.only([name for name in self.names if not self.dominators(name)])

    def dominators(self, name: str) -> list[str]:
        """Who is at least as good in everything and better in something, most accurate first."""
        over = dominance(prices(self.table))[:, self.names.index(name)]
        return [other for other, better in zip(self.names, over, strict=True) if better]

    def rivals(self, name: str) -> list[str]:
        """The other candidates that ``name`` is not shown to be more accurate than, most accurate first."""
        return [other for other in self.names if other != name and (name, other) not in self.better]

    def pick(self) -> tuple[str, str]:
        """The fastest on the front of those not shown to be less accurate than the first; of equally fast (p50 to two
        digits) the smallest. With the word for what it is. There must be a candidate."""
        first = self.names[0]
        close = self.front().only([name for name in self.names if (first, name) not in self.better])
        costs = prices(close.table)
        name = min(range(len(costs)), key=lambda i: (float(f"{costs[i, 1]:.1e}"), costs[i, 3], i))
        fastest = "fastest" if costs[name, 1] == costs[:, 1].min() else "smallest of the fastest"
        return close.names[name], fastest if np.isfinite(costs[name, 1]) else "smallest"


def dominance(costs: ArrayLike) -> NDArray[np.bool_]:
    """Whether row i dominates row j: no higher in any column, lower in one (Pareto). Shape (n, n) from (n, columns)."""
    rows = np.asarray(costs, dtype=np.float64)
    a, b = rows[:, None, :], rows[None, :, :]
    return np.asarray((a <= b).all(axis=2) & (a < b).any(axis=2))


def prices(table: pd.DataFrame) -> NDArray[np.float64]:
    """A row per candidate: -accuracy, then COSTS; lower is better, and what is unknown is the worst there is."""
    columns = table[["accuracy", *COSTS]].to_numpy(dtype=np.float64) * [-1.0, 1.0, 1.0, 1.0]
    return np.where(np.isnan(columns), np.inf, columns)


def candidates(run: Run, tables: Mapping[str, pd.DataFrame], new_speakers: bool) -> Candidates:
    """Who can be chosen for new speakers, or for known ones. ``tables``: the report's, summary and pairs.

    Accuracy is on the hardest split that asks the question. Where none was run, another one serves for zero-shot
    backends, to whom all speakers are new. Neither the floor nor what is not shown to be better than it is a candidate,
    nor a backend that failed a leak check.
    """
    ran = splits(run)
    asked = [split for split in ran if SPLITS[split].heard != new_speakers]
    split = next(iter([*asked, *ran]), "")
    frame = tables["summary"].rename(columns=lambda name: name.removeprefix(f"{split}_") if split else name)
    trained = {entry["name"]: bool(entry["trained"]) for entry in run.info["backends"]}
    frame = frame.reindex(columns=["backend", *FIGURES]).assign(
        trained=[trained.get(name, False) for name in frame["backend"]]
    )
    tests = tables["pairs"]
    tests = tests[(tests["split"] == split) & (tests["holm_p"] < ALPHA)]
    first_wins = tests["a_better"].astype(bool)
    winners, losers = tests["a"].where(first_wins, tests["b"]), tests["b"].where(first_wins, tests["a"])
    better = frozenset(zip(winners, losers, strict=True))
    floor = frame.loc[frame["backend"] == FLOOR, "accuracy"].notna().any()

    def why_not(name: str, accuracy: float) -> str:
        if not split:
            return f"for {name} no split was run"
        if trained.get(name, False) and not asked:
            return f"{name} needs training, and {_lacking(run, new_speakers)}"
        if np.isnan(accuracy):
            reason = failure(run, name, "accuracy", split)
            return f"{name} failed: {reason}" if reason else absence(run, name, split)
        leak = failure(run, name, "checks")
        if leak:
            return f"{name} failed a leak check: {leak}"
        return f"{name} is not shown to be better than {FLOOR}" if floor and (name, FLOOR) not in better else ""

    named = zip(frame["backend"], frame["accuracy"].astype(float), strict=True)
    reasons = {name: why_not(name, accuracy) for name, accuracy in named if name != FLOOR}
    chosen = frame[[reasons.get(name) == "" for name in frame["backend"]]]
    order = ["accuracy", *COSTS, "backend"]
    table = chosen.sort_values(order, ascending=[False] + [True] * 4, ignore_index=True)
    return Candidates(
        table, split, new_speakers or not asked, better, {name: why for name, why in reasons.items() if why}
    )


def _lacking(run: Run, new_speakers: bool) -> str:
    """That no split asks about trained backends what is to be known."""
    if not new_speakers:
        return "the run tests no speakers it has heard (mixed, official)"
    reason = run.info["corpus"].get("impossible_splits", {}).get(LOSO)
    return f"the run tests no speakers it has not heard ({LOSO}" + (f": {reason})" if reason else ")")

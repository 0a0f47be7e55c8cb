"""Accuracy, or the task's own measure, against latency: who is worth their time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from bench.names import FLOOR
from bench.records.schema import Run
from bench.report.plots.style import GRID, INK, PAPER, Look, Plot, looks, named, new_figure
from bench.report.tables.candidates import dominance
from bench.report.tables.cost import headline_threads
from bench.report.tables.measure import shown as figures
from bench.report.tables.outcomes import interval_method, splits
from bench.report.text.markdown import count_threads
from bench.splits import SPLITS
from bench.tasks.base import HIGH


def accuracy_latency(run: Run, tables: Mapping[str, pd.DataFrame]) -> Plot | None:
    """Accuracy of the hardest split over the median latency, with the backends that none beats in both."""
    ran = splits(run)
    if not ran:
        return None
    split = ran[0]
    summary, measure = tables["summary"], run.task.measure
    columns = {
        "backend": "backend", f"{split}_accuracy": "accuracy", f"{split}_accuracy_low": "low",
        f"{split}_accuracy_high": "high", f"{split}_clips": "clips", "p50_s": "p50_s",
    }  # fmt: skip
    shown = figures(summary, measure)[list(columns)].rename(columns=columns)
    floor = shown[shown["backend"] == FLOOR]["accuracy"].dropna()
    candidates = shown[shown["backend"] != FLOOR]
    shown = candidates.dropna().sort_values("p50_s")
    if shown.empty:
        return None
    missing = sorted({*candidates["backend"]} - {*shown["backend"]})
    up = measure.best == HIGH
    best = pareto(list(shown["p50_s"]), list(shown["accuracy"] if up else -shown["accuracy"]))
    figure = new_figure(9.4, 5.2)
    axes = figure.subplots()
    look = looks(run)
    _points(axes, shown, best, look)
    front = shown[best]
    axes.step(
        [*(1e3 * front["p50_s"]), 1e3 * shown["p50_s"].max() * 1.6],
        [*(100 * front["accuracy"]), 100 * front["accuracy"].iloc[-1]],
        where="post", color=INK, linewidth=1, linestyle=(0, (6, 3)), zorder=1,
    )  # fmt: skip
    if len(floor):
        axes.axhline(100 * floor.iloc[0], color=INK, linewidth=1, linestyle=":")
        axes.annotate(
            f"{FLOOR} {100 * floor.iloc[0]:.0f} %", (1, 100 * floor.iloc[0]), xycoords=("axes fraction", "data"),
            xytext=(-4, 4), textcoords="offset points", ha="right",
        )  # fmt: skip
    axes.set(xscale="log", ylim=(0, 102 if up else 105 * shown["high"].max()))
    axes.set_xlim(1e3 * shown["p50_s"].min() / 1.6, 1e3 * shown["p50_s"].max() * 1.6)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    n, speakers = int(shown["clips"].max()), run.info["corpus"]["speakers"]
    threads = count_threads(headline_threads(run))
    calls = int(summary["calls"].max())
    axes.set_xlabel(f"median latency of one clip, ms (log scale; {calls} calls, {threads})")
    axes.set_ylabel(
        f"{measure.name} on {SPLITS[split].asks} ({split}), %\n95 % interval, n = {n:,} clips of {speakers} speakers"
    )
    title = f"{measure.title} against latency"
    axes.set_title(title)
    handles = [_handle(name, look[name], on) for name, on in zip(shown["backend"], best, strict=True)]
    handles.append(Line2D([], [], color=INK, linewidth=1, linestyle=(0, (6, 3)), label="Pareto front (filled)"))
    figure.legend(handles=handles, loc="outside right upper")
    names = ", ".join(front["backend"])
    caption = (
        f"Filled markers: no other backend is both quicker and at least as accurate ({names})."
        f" {'Up' if up else 'Down'} and left is better."
        f" Bars are 95 % intervals, {interval_method(run, split)};"
        " the front goes by the point estimates."
    )
    if missing:
        caption += f" Without both figures, so not shown: {', '.join(missing)}."
    return Plot("accuracy_latency", title, caption, f"Scatter plot. On the front: {names}.", figure)


def pareto(costs: Sequence[float], gains: Sequence[float]) -> list[bool]:
    """Which points no other beats: at most the cost and at least the gain, and better in one of them."""
    over = dominance(np.column_stack([costs, -np.asarray(gains)]))
    return [not over[:, place].any() for place in range(len(costs))]


def _points(axes: Axes, shown: pd.DataFrame, best: Sequence[bool], look: Mapping[str, Look]) -> None:
    for (_, row), on in zip(shown.iterrows(), best, strict=True):
        style = look[row["backend"]]
        x, y = 1e3 * row["p50_s"], 100 * row["accuracy"]
        spread = [[y - 100 * row["low"]], [100 * row["high"] - y]]
        axes.errorbar(x, y, yerr=spread, color=style.colour, elinewidth=1.2, capsize=3, zorder=2)
        axes.plot(
            x, y, style.marker, markersize=9, markeredgewidth=1.6, color=style.colour,
            markerfacecolor=style.colour if on else PAPER, zorder=3,
        )  # fmt: skip
    axes.grid(True, which="major", color=GRID)


def _handle(name: str, style: Look, on: bool) -> Line2D:
    return Line2D(
        [], [], linestyle="none", marker=style.marker, markersize=8, markeredgewidth=1.6, color=style.colour,
        markerfacecolor=style.colour if on else PAPER, label=named(name),
    )  # fmt: skip

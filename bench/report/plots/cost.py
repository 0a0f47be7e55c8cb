"""What hearing costs: latency of every call, and where a cold start goes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter

from bench.names import FLOOR
from bench.records.schema import Run
from bench.report.plots.style import COLOURS, HATCHES, INK, PAPER, Plot, legend, looks, named, new_figure
from bench.report.tables.cost import headline_threads, timed
from bench.report.text.markdown import count_threads, number

STAGES = {"start_s": "interpreter", "import_s": "import", "load_s": "load", "first_s": "first prediction"}


def latency(run: Run) -> Plot | None:
    """Share of calls that end within a time, from every raw sample."""
    threads = headline_threads(run)
    calls = timed(run)
    calls = calls[(calls["threads"] == threads) & (calls["backend"] != FLOOR)]
    if calls.empty:
        return None
    names = list(calls.groupby("backend")["latency_s"].median().sort_values().index)
    look = looks(run)
    figure = new_figure(9.4, 4.6)
    axes = figure.subplots()
    for name in names:
        style = look[name]
        x = np.sort(1e3 * calls[calls["backend"] == name]["latency_s"].to_numpy())
        y = 100 * np.arange(1, len(x) + 1) / len(x)
        axes.step(x, y, where="post", color=style.colour, linestyle=style.line, linewidth=1.6)
        at = np.searchsorted(y, (50, 95)).clip(max=len(x) - 1)
        axes.plot(x[at], y[at], style.marker, color=style.colour, markersize=7, markeredgecolor=PAPER)
    counts = calls.groupby("backend").size()
    n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()}-{counts.max()}"
    axes.set(xscale="log", ylim=(0, 101), xlabel=f"latency of one clip, ms (log scale; {count_threads(threads)})")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylabel(f"calls that ended by then, %\nn = {n} calls each")
    axes.set_title("Distribution of latency")
    legend(figure, names, look)
    caption = (
        f"Empirical distribution of all {n} timed calls of each backend, warm, one clip at a time; marks at 50 and"
        " 95 %."
        " Steep is steady. No interval: every call is drawn."
    )
    return Plot(
        "latency", "Distribution of latency", caption, f"Step curves, quickest first: {', '.join(names)}.", figure
    )


def coldstart(run: Run, tables: Mapping[str, pd.DataFrame]) -> Plot | None:
    """Where the time of a fresh process goes, to its first answer."""
    table = tables["coldstart"]
    table = table[table["backend"] != FLOOR].dropna(subset=[*STAGES]).iloc[::-1]
    if table.empty:
        return None
    figure = new_figure(9.4, 1.7 + 0.42 * len(table))
    axes = figure.subplots()
    left = np.zeros(len(table))
    y = np.arange(len(table))
    for (key, name), colour, hatch in zip(STAGES.items(), (COLOURS[6], *COLOURS[:3]), HATCHES, strict=True):
        axes.barh(y, table[key], left=left, height=0.62, color=colour, hatch=hatch, edgecolor=PAPER, label=name)
        left += table[key].to_numpy()
    threads = headline_threads(run)
    starts = run.coldstart[run.coldstart["threads"] == threads]
    spans = starts.assign(total=starts[[*STAGES]].sum(axis=1)).groupby("backend")["total"]
    low, high = spans.min()[table["backend"]].to_numpy(), spans.max()[table["backend"]].to_numpy()
    axes.hlines(y, low, high, color=INK, linewidth=1.4)
    axes.plot(np.r_[low, high], np.r_[y, y], "|", color=INK, markersize=7)
    for place, total, end in zip(y, left, np.maximum(left, high), strict=True):
        axes.annotate(
            f"{number(total)} s", (end, place), xytext=(7, 0), textcoords="offset points", va="center", fontsize=9
        )
    axes.set_yticks(y, [*map(named, table["backend"])])
    axes.set_xlim(0, 1.12 * max(left.max(), high.max()))
    axes.grid(False, axis="y")
    n = int(table["processes"].max())
    axes.set_xlabel(f"s, medians of n = {n} fresh processes; thin line: quickest to slowest")
    axes.set_title("Cold start, from launching a process to its first answer")
    figure.legend(loc="outside lower center", ncols=4)
    caption = (
        f"Medians of each stage over {n} fresh processes, {count_threads(threads)}; the line goes from the quickest"
        " to the slowest whole start. The interpreter's own start is drawn here, and no part of the cold start in the"
        " tables."
    )
    return Plot("coldstart", "Cold start", caption, f"Stacked bars of {len(table)} backends.", figure)

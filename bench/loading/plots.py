"""Plots of the report: how many times as fast as librosa, cold starts, many files."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from bench.loading.loaders import LOADERS, REFERENCE
from bench.report.plots.style import COLOURS, HATCHES, INK, MARKERS, Plot, named, new_figure, panels
from bench.report.text.markdown import number


def drawn(table: pd.DataFrame) -> list[Plot]:
    """Every plot that there are figures for. Draw inside ``bench.report.plots.style.styled``."""
    plots = [_whole(table[table["task"] == "whole"]), _cold(table), _many(table[table["task"] == "many"])]
    return [plot for plot in plots if plot]


def _whole(table: pd.DataFrame) -> Plot | None:
    some = table[table["times"].notna() & (table["loader"] != REFERENCE)]
    if some.empty:
        return None
    lengths = sorted(some["length_s"].unique())
    kinds = list(dict.fromkeys(some["format"]))
    figure, axes = panels(len(lengths), 2, 5.2, 0.5 * len(kinds) + 1.2, sharex=True)
    names = [name for name in LOADERS if name in set(some["loader"])]
    for axis, length in zip(axes, lengths, strict=True):
        at_length = some[some["length_s"] == length]
        for place, name in enumerate(names):
            cases = at_length[at_length["loader"] == name]
            rows = [kinds.index(kind) + 0.09 * (place - len(names) / 2) for kind in cases["format"]]
            ends = np.array(
                [(cases["times"] - cases["low"]).clip(lower=0), (cases["high"] - cases["times"]).clip(lower=0)]
            )
            axis.errorbar(
                cases["times"], rows, xerr=np.where(np.isfinite(ends), ends, 0), fmt=MARKERS[place], markersize=5,
                color=COLOURS[place % len(COLOURS)], elinewidth=1, label=named(name),
            )  # fmt: skip
        axis.axvline(1, color=INK, linewidth=1)
        axis.set_xscale("log")
        axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_yticks(range(len(kinds)), kinds)
        axis.invert_yaxis()
        axis.set_title(_lasting(length))
    for axis in axes[-2:]:
        axis.set_xlabel("times as fast as librosa, CPU")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    caption = "A file read whole, its page in memory, one thread; bars are 95 % intervals over rounds."
    return Plot("whole", "Reading a file", caption, "Dots by format and loader, a panel for each length", figure)


def _cold(table: pd.DataFrame) -> Plot | None:
    tasks = [("cold", "a new process"), ("first", "the first after an install")]
    some = table[table["task"].isin([task for task, _ in tasks]) & (table["format"] != "MP3")]
    if some.empty:
        return None
    names = list(dict.fromkeys(some.sort_values("wall_s")["loader"]))
    figure = new_figure(8, 0.55 * len(names) + 1.4)
    axes = figure.subplots()
    for place, (task, label) in enumerate(tasks):
        seconds = some[some["task"] == task].set_index("loader")["wall_s"].reindex(names)
        _bars(axes, np.arange(len(names)) + 0.38 * (place - 0.5), seconds, place, label)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_yticks(range(len(names)), [named(name) for name in names])
    axes.invert_yaxis()
    axes.set_xlabel("seconds from nothing to the samples of one WAV")
    axes.set_xlim(right=3 * float(some["wall_s"].max()))
    figure.legend(loc="outside lower center", ncols=2)
    return Plot("cold", "Cold starts", "Seconds of a process that reads one WAV and ends.", "Bars by loader", figure)


def _many(table: pd.DataFrame) -> Plot | None:
    if table.empty:
        return None
    seconds = table.sort_values("wall_s", ascending=False).set_index("loader")["wall_s"]
    figure = new_figure(8, 0.45 * len(seconds) + 1.2)
    axes = figure.subplots()
    _bars(axes, np.arange(len(seconds)), seconds, 0, "")
    axes.set_yticks(range(len(seconds)), [named(name) for name in seconds.index])
    axes.invert_yaxis()
    axes.set_xlabel(f"seconds for {int(table['length_s'].iloc[0])} MP3s")
    return Plot("many", "Many files", "Wall time of one process, imports left out.", "Bars by way", figure)


def _bars(axes: Axes, at: NDArray[Any], values: pd.Series[Any], place: int, label: str) -> None:
    bars = axes.barh(
        at, values, 0.36, color=COLOURS[place], hatch=HATCHES[place], edgecolor=INK, linewidth=0.4, label=label
    )  # fmt: skip
    texts = ["" if np.isnan(value) else number(value) for value in values]
    axes.bar_label(bars, texts, padding=3, fontsize=8)
    axes.grid(axis="y", visible=False)


def _lasting(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds > 60 else f"{seconds:g} s"

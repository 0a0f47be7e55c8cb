"""Accuracy, or the task's own measure, under conditions other than clean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bench.names import CLEAN
from bench.records.schema import Run
from bench.report.plots.style import Look, Plot, legend, looks, named, new_figure, panels
from bench.report.tables.conditions import by_mean, marks_under_conditions, noise_of, shares
from bench.report.tables.measure import shown as figures
from bench.report.tables.outcomes import interval_method
from bench.tasks.base import HIGH


def accuracy_snr(run: Run) -> Plot | None:
    """A panel per noise that came at several levels: accuracy over the ratio of signal to noise, with bands of 95 %."""
    measure = run.task.measure
    frame = figures(shares(marks_under_conditions(run)), measure)
    swept = _swept(frame)
    noises = sorted(swept["noise"].unique())
    if not noises:
        return None
    names = [name for name in _best_first(run) if name in set(swept["backend"])]
    look = looks(run)
    levels = sorted(swept["snr"].unique())
    clean_at = levels[-1] + levels[-1] - levels[-2]
    clean = frame[frame["condition"] == CLEAN].assign(snr=clean_at)
    figure, grid = panels(len(noises), 3, 3.3, 3.7, sharey=True, sharex=True)
    for axes, noise in zip(grid, noises, strict=True):
        _lines(axes, pd.concat([swept[swept["noise"] == noise], clean]).sort_values("snr"), names, look)
        axes.set_title(named(noise))
        axes.set_xlabel("signal-to-noise ratio, dB")
        axes.set_ylim(0, 102 if measure.best == HIGH else 105 * frame["accuracy_high"].max())
        axes.set_xticks([*levels, clean_at], [*(f"{level:g}" for level in levels), CLEAN])
        axes.tick_params(labelbottom=True, labelleft=True)
    split, n = frame["split"].iloc[0], int(frame["clips"].max())
    for axes in grid[::3]:
        axes.set_ylabel(f"{measure.name} ({split}), %\n95 % interval, n = {n:,} clips")
    legend(figure, names, look, below=len(grid))
    caption = (
        f"{measure.title} of {split} on the same {n:,} clips at every level, a panel per noise; bands are 95 %"
        f" intervals ({interval_method(run, split)}). The point at the right of each panel is the clean recording."
    )
    span = f"{levels[0]:g} to {levels[-1]:g} dB"
    alt = f"{len(noises)} line plots ({', '.join(noises)}) of {len(names)} backends, {span}."
    return Plot("accuracy_snr", f"{measure.title} against noise", caption, alt, figure)


def accuracy_conditions(run: Run) -> Plot | None:
    """A table in shades: every backend under every condition that the plot of noises has no line for."""
    measure = run.task.measure
    frame = figures(shares(marks_under_conditions(run)), measure)
    rest = frame.drop(index=_swept(frame).index)
    conditions = list(rest["condition"].unique())
    if len(conditions) < 2:
        return None
    names = set(rest[rest["condition"] != CLEAN]["backend"])
    wide = rest.pivot(index="condition", columns="backend", values="accuracy")
    wide = wide.loc[conditions, [name for name in _best_first(run) if name in names]]
    figure = new_figure(2.6 + 0.85 * wide.shape[1], 1.9 + 0.34 * wide.shape[0])
    axes = figure.subplots()
    shade_table(axes, 100 * wide.to_numpy(), "{:.1f}")
    axes.set_xticks(
        np.arange(wide.shape[1]) + 0.5, [*map(named, wide.columns)], rotation=30, ha="left", rotation_mode="anchor"
    )
    axes.set_yticks(np.arange(wide.shape[0]) + 0.5, [*map(named, wide.index)])
    axes.xaxis.tick_top()
    split, n = frame["split"].iloc[0], int(frame["clips"].max())
    axes.set_xlabel(f"{measure.name} ({split}), %; n = {n:,} clips each")
    half = 100 * max((rest["accuracy_high"] - rest["accuracy_low"]) / 2)
    caption = (
        f"{measure.title} of {split} in per cent under each condition, darker is"
        f" {'better' if measure.best == HIGH else 'worse'}; the widest 95 % interval here"
        f" ({interval_method(run, split)}) is ± {half:.1f} percentage points."
    )
    alt = f"Shaded table of {len(conditions)} conditions by {wide.shape[1]} backends."
    return Plot("accuracy_conditions", f"{measure.title} by condition", caption, alt, figure)


def _best_first(run: Run) -> list[str]:
    return by_mean(shares(marks_under_conditions(run)))


def _swept(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows of noises that came at more than one level, with columns ``noise`` and ``snr``."""
    noises = {condition: noise for condition in frame["condition"].unique() if (noise := noise_of(condition))}
    noisy = frame[frame["condition"].isin(noises)]
    noisy = noisy.assign(
        noise=[noises[condition][0] for condition in noisy["condition"]],
        snr=[noises[condition][1] for condition in noisy["condition"]],
    )
    return noisy[noisy.groupby("noise")["snr"].transform("nunique") > 1]


def shade_table(axes: Axes, values: np.ndarray, form: str, hide: float | None = None) -> None:
    """Per cent in cells, darker for more, in one hue; cells of ``hide`` stay bare."""
    axes.pcolormesh(values, cmap="Blues", vmin=0, vmax=100, edgecolors="#fdfdfd", linewidth=0.8)
    axes.invert_yaxis()
    axes.grid(False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    for (row, column), value in np.ndenumerate(values):
        if not np.isnan(value) and value != hide:
            ink = "#fefefe" if value > 55 else "#111111"
            axes.text(column + 0.5, row + 0.5, form.format(value), ha="center", va="center", fontsize=7.5, color=ink)


def _lines(axes: Axes, frame: pd.DataFrame, names: Sequence[str], look: dict[str, Look]) -> None:
    for name in names:
        line = frame[frame["backend"] == name]
        x = line["snr"]
        axes.fill_between(
            x, 100 * line["accuracy_low"], 100 * line["accuracy_high"], color=look[name].colour, alpha=0.13, linewidth=0
        )
        axes.plot(
            x, 100 * line["accuracy"], color=look[name].colour, marker=look[name].marker,
            linestyle=look[name].line, markersize=5, linewidth=1.5,
        )  # fmt: skip

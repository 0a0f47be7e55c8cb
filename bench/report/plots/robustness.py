"""Accuracy under conditions other than clean."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bench import stats
from bench.records import Run
from bench.report.outcomes import FLOOR, clusters, interval_method, outcomes, splits
from bench.report.plots.style import INK, Look, Plot, legend, looks, new_figure, panels

CLEAN = "clean"
_NOISE = re.compile(r"noise:(?P<noise>.+)@(?P<snr>[-+]?\d+(?:\.\d+)?)dB")


def noise_of(condition: str) -> tuple[str, float] | None:
    """``noise:dishes@-5dB`` -> ("dishes", -5.0); None of any other condition."""
    found = _NOISE.fullmatch(condition)
    return (found["noise"], float(found["snr"])) if found else None


def accuracy_snr(run: Run) -> Plot | None:
    """A panel per noise: accuracy over the ratio of signal to noise, with bands of 95 %."""
    shares = _shares(run)
    noisy = shares.assign(noise=shares["condition"].map(lambda c: (noise_of(c) or (None,))[0]))
    noisy["snr"] = [found[1] if (found := noise_of(c)) else np.nan for c in noisy["condition"]]
    if noisy["snr"].isna().all():
        return None
    noises = sorted(noisy["noise"].dropna().unique())
    names = sorted(noisy[noisy["snr"].notna()]["backend"].unique())
    look = looks(run)
    levels = sorted(noisy["snr"].dropna().unique())
    clean_at = levels[-1] + (levels[-1] - levels[-2] if len(levels) > 1 else 5)
    figure, grid = panels(len(noises), 3, 3.7, 3.5, sharey=True, sharex=True)
    for axes, noise in zip(grid, noises, strict=True):
        own = noisy[(noisy["noise"] == noise) | (noisy["condition"] == CLEAN)]
        own = own.assign(snr=own["snr"].fillna(clean_at)).sort_values("snr")
        _lines(axes, own, names, look)
        axes.set_title(noise)
        axes.set_ylim(0, 102)
        axes.set_xticks([*levels, clean_at], [*(f"{level:g}" for level in levels), CLEAN])
        axes.tick_params(labelbottom=True, labelleft=True)
    split, n = shares["split"].iloc[0], int(shares["clips"].max())
    figure.supxlabel("signal-to-noise ratio, dB", color=INK, fontsize=10)
    figure.supylabel(f"accuracy ({split}), %; 95 % interval, n = {n:,} clips", color=INK, fontsize=10)
    legend(figure, names, look)
    caption = (
        f"Accuracy of {split} on the same {n:,} clips at every level, a panel per noise; bands are 95 % intervals"
        f" ({interval_method(run, split)}). The point at the right of each panel is the clean recording."
    )
    span = f"{levels[0]:g} to {levels[-1]:g} dB"
    alt = f"{len(noises)} line plots ({', '.join(noises)}) of {len(names)} backends, {span}."
    return Plot("accuracy_snr", "Accuracy against noise", caption, alt, figure)


def accuracy_conditions(run: Run) -> Plot | None:
    """A table in shades: every backend under every condition that is no noise at a level."""
    shares = _shares(run)
    own = shares[shares["condition"].map(noise_of).isna()]
    conditions = sorted(own["condition"].unique(), key=lambda c: (c != CLEAN, c))
    if len(conditions) < 2:
        return None
    heard = own[own["condition"] != CLEAN]["backend"]
    wide = own[own["backend"].isin(heard)].pivot(index="condition", columns="backend", values="accuracy")
    wide = wide.loc[conditions, sorted(wide.columns)]
    figure = new_figure(2.6 + 0.85 * wide.shape[1], 1.9 + 0.34 * wide.shape[0])
    axes = figure.subplots()
    shade_table(axes, 100 * wide.to_numpy(), "{:.1f}")
    axes.set_xticks(np.arange(wide.shape[1]) + 0.5, wide.columns, rotation=30, ha="left", rotation_mode="anchor")
    axes.set_yticks(np.arange(wide.shape[0]) + 0.5, wide.index)
    axes.xaxis.tick_top()
    split, n = shares["split"].iloc[0], int(shares["clips"].max())
    axes.set_xlabel(f"accuracy ({split}), %; n = {n:,} clips each")
    half = 100 * max((own["high"] - own["low"]) / 2)
    caption = (
        f"Accuracy of {split} in per cent under each condition, darker is better; the widest 95 % interval here"
        f" ({interval_method(run, split)}) is ± {half:.1f} percentage points."
    )
    alt = f"Shaded table of {len(conditions)} conditions by {wide.shape[1]} backends."
    return Plot("accuracy_conditions", "Accuracy by condition", caption, alt, figure)


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


def _lines(axes: Axes, own: pd.DataFrame, names: Sequence[str], look: dict[str, Look]) -> None:
    for name in names:
        line = own[own["backend"] == name]
        x = line["snr"]
        axes.fill_between(x, 100 * line["low"], 100 * line["high"], color=look[name].colour, alpha=0.13, linewidth=0)
        axes.plot(
            x, 100 * line["accuracy"], color=look[name].colour, marker=look[name].marker,
            linestyle=look[name].line, markersize=5, linewidth=1.5,
        )  # fmt: skip


def _shares(run: Run) -> pd.DataFrame:
    """Accuracy with its interval per condition and backend, of the hardest split that most backends were heard on."""
    parts = [
        outcomes(run, condition).assign(condition=condition) for condition in run.predictions["condition"].unique()
    ]
    rows = pd.concat(parts, ignore_index=True) if parts else run.predictions.assign(right=False)
    rows = rows[rows["backend"] != FLOOR]
    treated = rows[rows["condition"] != CLEAN]
    heard = {split: treated[treated["split"] == split]["backend"].nunique() for split in splits(run)}
    split = max(heard, key=lambda name: heard[name], default="official")
    table = []
    for (condition, backend), own in rows[rows["split"] == split].groupby(["condition", "backend"]):
        n = len(own)
        speakers = clusters(own, split)
        if speakers is None:
            share = stats.wilson(int(own["right"].sum()), n)
        else:
            share = stats.clustered(own["right"], speakers)
        table.append((split, condition, backend, n, *share))
    columns = ["split", "condition", "backend", "clips", "accuracy", "low", "high"]
    return pd.DataFrame(table, columns=columns)

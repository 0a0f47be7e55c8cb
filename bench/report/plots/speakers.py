"""Who is heard, and what is taken for what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from bench.names import FLOOR, LOSO
from bench.records.schema import Run
from bench.report.plots.robustness import shade_table
from bench.report.plots.style import COLOURS, INK, MARKERS, PAPER, Plot, named, new_figure, panels
from bench.report.tables.accuracy import column
from bench.report.tables.outcomes import family, tested

SHORT = 16
"""Letters of a label beside a matrix."""
TOO_MANY = 12
"""Speakers beyond which they are not told apart."""


def speakers(run: Run, tables: Mapping[str, pd.DataFrame]) -> Plot | None:
    """A row per backend, a mark per speaker of loso."""
    wide = tables["speakers"]
    if wide.empty:
        return None
    wide = wide[wide["backend"] != FLOOR].set_index("backend")
    names = [name for name in map(column, sorted(run.clips["speaker"].dropna().unique())) if name in wide.columns]
    wide = wide[names].astype(float).iloc[::-1]
    if wide.empty:
        return None
    clips = tested(run, LOSO).value_counts()
    coloured = len(names) <= TOO_MANY
    figure = new_figure(9.4, 1.7 + 0.42 * len(wide))
    axes = figure.subplots()
    y = np.arange(len(wide))
    axes.hlines(y, 100 * wide.min(axis=1), 100 * wide.max(axis=1), color=INK, linewidth=0.8, zorder=1)
    for i, name in enumerate(names):
        colour, marker = (COLOURS[i % len(COLOURS)], MARKERS[i]) if coloured else (COLOURS[0], "o")
        axes.plot(
            100 * wide[name], y, marker, color=colour, markersize=8, markeredgecolor=PAPER, zorder=2, label=named(name)
        )
    axes.plot(100 * wide.mean(axis=1), y, "|", color=INK, markersize=17, markeredgewidth=2, zorder=3)
    axes.set_yticks(y, [named(name) for name in wide.index])
    axes.set_ylim(-0.6, len(wide) - 0.4)
    axes.set_xlim(min(0.0, *(100 * wide.min())), 102)
    axes.grid(False, axis="y")
    per = (
        f"n = {clips.min():,} clips each"
        if clips.min() == clips.max()
        else f"n = {clips.min():,}-{clips.max():,} clips"
    )
    axes.set_xlabel(f"accuracy on a speaker never heard in training ({LOSO}), %; {per}")
    axes.set_title("Accuracy by speaker")
    mean = Line2D([], [], color=INK, marker="|", linestyle="none", markersize=13, markeredgewidth=2, label="mean")
    handles = [*axes.get_legend_handles_labels()[0], mean] if coloured else [mean]
    figure.legend(handles=handles, loc="outside right upper", title="speaker")
    lowest = wide.min(axis=1)
    backend = str(lowest.idxmin())
    speaker = str(wide.loc[backend].idxmin())
    caption = (
        f"Each mark is one of {len(names)} speakers, heard by a model that never met them; the bar is their mean."
        f" The spread is the interval that matters: speakers, not clips, are what a product meets anew."
        f" Lowest: {speaker} with {backend}, {100 * lowest.min():.1f} %."
    )
    return Plot("speakers", "Accuracy by speaker", caption, f"Dot plot of {len(wide)} backends.", figure)


def confusion(run: Run, tables: Mapping[str, pd.DataFrame]) -> Plot | None:
    """The best backend of each family, on the hardest split that it was heard on in full."""
    if "confusion" not in tables:
        return None
    scores = tables["accuracy"]
    best = scores[scores["backend"] != FLOOR].assign(family=lambda frame: frame["backend"].map(family))
    best = best.drop_duplicates("family")
    if best.empty:
        return None
    labels = list(run.info["vocabulary"])
    heads = [*(named(label, SHORT) for label in labels), "none"]
    turned: dict[str, Any] = (
        {} if max(map(len, labels)) < 3 else {"rotation": 60, "ha": "right", "rotation_mode": "anchor"}
    )
    width = max(3.2, 0.9 + 0.34 * len(heads)) + 0.09 * max(0, max(map(len, heads)) - 5)
    figure, grid = panels(len(best), 3, width, width + 0.35)
    for axes, (_, row) in zip(grid, best.iterrows(), strict=True):
        counts = tables["confusion"]
        counts = counts[(counts["backend"] == row["backend"]) & (counts["split"] == row["split"])]
        wide = counts.pivot(index="label", columns="predicted", values="clips").reindex(
            index=labels, columns=[*labels, ""]
        )
        wide = wide[wide.notna().any(axis=1)].fillna(0)
        shade_table(axes, 100 * wide.div(wide.sum(axis=1), axis=0).to_numpy(), "{:.0f}", hide=0)
        axes.set_xticks(np.arange(len(heads)) + 0.5, heads, **turned)
        axes.set_yticks(np.arange(len(wide)) + 0.5, [named(label, SHORT) for label in wide.index])
        axes.set_xlabel("heard")
        axes.set_ylabel("said")
        share = f"{row['split']}: {100 * row['accuracy']:.1f} % of {row['clips']:,} clips"
        axes.set_title(f"{named(row['backend'])}\n{share}", fontsize=9.5)
    caption = (
        'Per cent of the clips of each said digit (rows sum to 100), darker is more; empty cells are 0, "0" is less'
        ' than half a per cent, "none" is no digit heard. The best backend of each family, on the hardest split heard'
        " in full; the 95 % intervals of the accuracies are in the summary."
    )
    alt = f"{len(best)} confusion matrices: {', '.join(best['backend'])}."
    return Plot("confusion", "What is taken for what", caption, alt, figure)

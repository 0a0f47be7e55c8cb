"""Curves of loss, drawn: training and held-out speakers, a panel for each predictor, a line for each seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def draw(curves: Mapping[str, Sequence[Mapping[str, float]]], place: Path) -> None:
    """Write an SVG. ``curves``: rows of seed, epoch, loss and held_out by name of the predictor."""
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    columns = 3
    figure = Figure(figsize=(11, 3 * -(-len(curves) // columns)), layout="constrained")
    FigureCanvasSVG(figure)
    panels = figure.subplots(-(-len(curves) // columns), columns, squeeze=False).flat
    for axes, (name, rows) in zip(panels, curves.items(), strict=False):
        for seed in sorted({row["seed"] for row in rows}):
            here = [row for row in rows if row["seed"] == seed]
            epochs = [row["epoch"] for row in here]
            axes.plot(epochs, [row["loss"] for row in here], "--", color="#7F7F7F", label="training")
            axes.plot(epochs, [row["held_out"] for row in here], color="#0072B2", label="held-out speakers")
        axes.set(title=name, xlabel="epoch", ylabel="loss", yscale="log")
    for axes in np.array(list(panels), dtype=object):
        axes.set_axis_off()
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.axes[0].legend(handles[:2], labels[:2], frameon=False)
    place.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": "digitbench"}):
        figure.savefig(place, metadata={"Date": None})

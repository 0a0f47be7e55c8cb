"""Do scores mean what they say?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from bench import stats
from bench.names import FLOOR
from bench.records.schema import Run
from bench.report.plots.style import INK, Plot, looks, named, panels
from bench.report.tables.outcomes import outcomes, splits
from bench.stats.calibration import BINS


def reliability(run: Run) -> Plot | None:
    """A panel per backend whose scores are probabilities: share right over the probability it gave its label."""
    rows = outcomes(run)
    chosen: dict[str, tuple[str, pd.DataFrame]] = {}
    for split in splits(run):
        for backend, scored in rows[rows["split"] == split].groupby("backend"):
            if backend not in chosen and backend != FLOOR and _proper(scored):
                chosen[str(backend)] = (split, scored)
    if not chosen:
        return None
    names = sorted(chosen)
    look = looks(run)
    figure, grid = panels(len(names), 3, 3.5, 3.5, sharex=True, sharey=True)
    for axes, name in zip(grid, names, strict=True):
        split, predictions = chosen[name]
        scores = np.stack([np.asarray(row, dtype=np.float64) for row in predictions["scores"]])
        labels = np.array(list(run.info["vocabulary"]))
        truth = np.searchsorted(labels, predictions["reference"], sorter=np.argsort(labels))
        ece = stats.calibration_error(scores, np.argsort(labels)[truth])
        right = labels[scores.argmax(axis=1)] == predictions["reference"].to_numpy()
        _bins(axes, scores.max(axis=1), right, look[name].colour, look[name].marker)
        axes.set_title(f"{named(name)}\n{split}, n = {len(predictions):,}, ECE {100 * ece:.1f} %", fontsize=9.5)
        axes.tick_params(labelbottom=True, labelleft=True)
    figure.supxlabel("probability given to the label, %", color=INK, fontsize=10)
    figure.supylabel("share right, % (95 % Wilson interval)", color=INK, fontsize=10)
    caption = (
        f"{BINS} bins of equal width; below the dotted diagonal a backend is surer than it is right."
        " Bars at the foot show how many clips each bin has, the fullest at full height. Intervals take clips as"
        " independent. ECE: expected calibration error."
    )
    return Plot("reliability", "Can the scores be trusted", caption, f"Reliability of {', '.join(names)}.", figure)


def _proper(predictions: pd.DataFrame) -> bool:
    if predictions["scores"].isna().any():
        return False
    return stats.probabilities(np.stack([np.asarray(row, dtype=np.float64) for row in predictions["scores"]]))


def _bins(axes: Axes, confidence: np.ndarray, right: np.ndarray, colour: str, marker: str) -> None:
    bins = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    axes.plot((0, 100), (0, 100), color=INK, linewidth=1, linestyle=":")
    points = []
    for number in np.unique(bins):
        mask = bins == number
        share = stats.wilson(int(right[mask].sum()), int(mask.sum()))
        points.append((confidence[mask].mean(), *share))
    x, y, low, high = 100 * np.array(points).T
    axes.errorbar(x, y, yerr=(y - low, high - y), color=colour, marker=marker, markersize=5.5, linewidth=1.3, capsize=2)
    counts = np.bincount(bins, minlength=BINS)
    axes.bar(
        (np.arange(BINS) + 0.5) * 100 / BINS,
        18 * counts / counts.max(),
        width=90 / BINS,
        color=INK,
        alpha=0.35,
        linewidth=0,
    )
    axes.set(xlim=(0, 101), ylim=(0, 102))

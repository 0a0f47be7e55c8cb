"""The curve: what each setting costs in words, against its tokens and against its time."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from bench.report.plots.style import COLOURS, DPI, INK, MARKERS, new_figure, styled

AXES = (
    ("encoder_per_s", "encoder tokens per second of audio", False),
    ("clip_kept", "share of the clip's tokens kept, %", True),
    ("cpu", "times stock's speed, processor time", False),
)


def curve(table: pd.DataFrame, file: Path) -> None:
    """WER difference to stock with its interval against each of the axes, one point a setting, as SVG.

    ``table``: of :func:`benchmarks.compression.report.compared`. What is further off than 10 points stands at the edge.
    """
    with styled():
        figure = new_figure(13.0, 5.6)
        axes = figure.subplots(1, len(AXES), sharey=True)
        for place, (column, label, percent) in zip(axes, AXES, strict=True):
            place.axhline(0, color=INK, linewidth=0.8)
            for number, (_, row) in enumerate(table.iterrows()):
                x = row[column] * (100 if percent else 1)
                y, low, high = (100 * min(max(row[end], -0.1), 0.1) for end in ("difference", "low", "high"))
                colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
                place.errorbar(
                    x, y, [[max(y - low, 0)], [max(high - y, 0)]], color=colour, marker=marker, capsize=2, linewidth=1,
                    linestyle="none", label=row["setting"] if place is axes[0] else None,
                )  # fmt: skip
            place.set_xlabel(label)
        axes[0].set_ylabel("WER minus stock's, points")
        figure.legend(loc="outside lower center", ncols=4, fontsize=8)
        figure.savefig(file, dpi=DPI, metadata={"Date": None})

"""All plots of a run, and their files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from bench.errors import BenchError
from bench.records.schema import Run
from bench.report.plots import cost, robustness, scores, speakers, tradeoff
from bench.report.plots.style import Plot, png, styled, svg

FOLDER = "plots"


def draw(run: Run, tables: Mapping[str, pd.DataFrame]) -> list[Plot]:
    """Every plot that the run has records for, in the order of reading. ``tables`` are those of the report."""
    with styled():
        plots = [
            tradeoff.accuracy_latency(run, tables),
            robustness.accuracy_snr(run),
            robustness.accuracy_conditions(run),
            speakers.speakers(run, tables),
            speakers.confusion(run, tables),
            cost.latency(run),
            cost.coldstart(run, tables),
            scores.reliability(run),
        ]
    return [plot for plot in plots if plot is not None]


def write(plots: list[Plot], folder: Path) -> list[Path]:
    """Write ``plots/NAME.svg`` and ``.png`` into a run's folder, and take away plots that it no longer has.

    Raises BenchError when the folder cannot be written.
    """
    target = folder / FOLDER
    contents = {f"{plot.name}.svg": svg(plot).encode() for plot in plots}
    contents |= {f"{plot.name}.png": png(plot) for plot in plots}
    try:
        target.mkdir(parents=True, exist_ok=True)
        for old in [*target.glob("*.svg"), *target.glob("*.png")]:
            if old.name not in contents:
                old.unlink()
        for name, content in contents.items():
            partial = target / f"{name}.part"
            partial.write_bytes(content)
            partial.replace(target / name)
    except OSError as error:
        raise BenchError(
            f"{target}: cannot be written ({error.strerror}); free the disk or choose another folder"
        ) from error
    return [target / name for name in contents]

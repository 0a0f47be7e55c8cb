"""How a task's measure is shown. Tables hold shares without error; a report shows accuracy, or word error rate."""

from __future__ import annotations

import pandas as pd

from bench.report.text.markdown import Column, percent
from bench.tasks.base import Measure


def header(measure: Measure, prefix: str = "", suffix: str = "") -> str:
    """Of a column in per cent: "loso accuracy, % (95 % interval)"."""
    return " ".join(filter(None, (prefix, f"{measure.name}, %", suffix)))


def shown(frame: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    """A table with its shares (columns that end in ``accuracy``, and the ends of their intervals) as figures."""
    if measure.shown(0.0) == 0.0:
        return frame
    names = [name for name in frame.columns if str(name).endswith("accuracy")]
    figures = {name: frame[name].map(measure.shown) for name in names}
    for name in (name for name in names if f"{name}_low" in frame):
        figures[f"{name}_low"] = frame[f"{name}_high"].map(measure.shown)
        figures[f"{name}_high"] = frame[f"{name}_low"].map(measure.shown)
    return frame.assign(**figures)


def column(measure: Measure, head: str, key: str = "accuracy", bold: bool = True) -> Column:
    """The measure in a table of figures, with its interval."""
    return Column(head, key, percent, measure.best, (f"{key}_low", f"{key}_high"), bold)


def figure(share: float, measure: Measure) -> str:
    """A share as its figure, in per cent."""
    return percent(measure.shown(share))

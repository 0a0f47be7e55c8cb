"""Tables as CSV that a spreadsheet can open: numbers are numbers, and no text is a formula."""

from __future__ import annotations

import re
from typing import Any, Final

import pandas as pd

from bench.printable import printable

_FORMULA: Final = re.compile(r"[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]")  # a full-width sign counts as the plain one
_NUMBER: Final = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def csv(frame: pd.DataFrame) -> str:
    """The table, headers first, floats with ten digits; texts and headers are ``cell``."""
    safe = frame.rename(columns=cell)
    for place, kind in enumerate(frame.dtypes):
        if not pd.api.types.is_numeric_dtype(kind):
            safe.isetitem(place, [*map(cell, frame.iloc[:, place])])
    return safe.to_csv(index=False, float_format="%.10g", lineterminator="\n")


def cell(value: Any) -> Any:
    """A text made printable and, where a spreadsheet would take it for a formula, led by an apostrophe.

    A text with such an apostrophe gets another, so that taking one off gives the text back. Other values stay.
    """
    if not isinstance(value, str):
        return value
    text = printable(value)
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text

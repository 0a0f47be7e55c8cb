"""How raw numbers look in Markdown: units, digits, direction, the best in bold."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd
from pandas.api.types import is_numeric_dtype
from tabulate import tabulate

from bench.printable import printable
from bench.tasks.base import HIGH, Kind

ABSENT = "–"  # noqa: RUF001 - a dash, as in printed tables


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a Markdown table: its header, the raw column behind it, and how a value is written."""

    header: str
    key: str
    text: Callable[[Any], str] = str
    best: Literal["↑", "↓", ""] = ""
    """Which way is better; the best are bold. Ties are what reads alike."""
    interval: tuple[str, str] | None = None
    """Raw columns of the interval's ends."""
    bold: bool = True


Missing = Callable[[Any, str], str]
"""What to write for a row and raw column without a value."""


def table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    missing: Missing = lambda row, key: ABSENT,
    candidate: Callable[[Any], bool] = lambda row: True,
) -> str:
    """A Markdown table. Only rows that are a ``candidate`` can be best."""
    rows = [row for _, row in frame.iterrows()]
    cells = [_cells(rows, column, missing, candidate) for column in columns]
    headers = [" ".join(filter(None, (column.header, column.best))) for column in columns]
    align = ["right" if is_numeric_dtype(frame[column.key]) else "left" for column in columns]
    body = list(zip(*cells, strict=True))
    return tabulate(body, headers, tablefmt="pipe", colalign=align if body else None, disable_numparse=True)


def _cells(rows: Sequence[Any], column: Column, missing: Missing, candidate: Callable[[Any], bool]) -> list[str]:
    known = [row for row in rows if column.best and column.bold and not pd.isna(row[column.key]) and candidate(row)]
    values = [row[column.key] for row in known]
    best = column.text(max(values) if column.best == HIGH else min(values)) if values else None
    cells = []
    for row in rows:
        if pd.isna(row[column.key]):
            cells.append(missing(row, column.key))
            continue
        text = column.text(row[column.key])
        if text == best and candidate(row):
            text = f"**{text}**"
        if column.interval:
            low, high = (column.text(row[end]) for end in column.interval)
            text += f" ({low}{' to ' if low.startswith('-') else '-'}{high})"
        cells.append(text)
    return cells


def percent(share: float) -> str:
    """0.98333 -> 98.3."""
    return f"{100 * share:.1f}"


def number(value: float) -> str:
    """Three significant digits, never an exponent: 0.0123, 1.20, 1,234."""
    if math.isinf(value) or value == 0:
        return "∞" if value else "0"
    exponent = int(f"{value:.2e}".partition("e")[2])
    return f"{value:,.{max(0, 2 - exponent)}f}"


def milliseconds(seconds: float) -> str:
    """Seconds as milliseconds."""
    return number(1e3 * seconds)


def megabytes(size: float) -> str:
    """Bytes as MB, which are 1,000,000 bytes."""
    return number(size / 1e6)


def count(value: float) -> str:
    """A whole number."""
    return f"{int(value):,}"


def count_threads(threads: object) -> str:
    """ "1 thread", "2 threads"."""
    return "1 thread" if threads == 1 else f"{threads} threads"


NUMBERS: Mapping[Kind, Callable[[Any], str]] = MappingProxyType(
    {"percent": percent, "count": count, "number": number, "fourth": lambda value: f"{value:.4f}"}
)
"""How a task's numbers are written, by kind."""


def p_value(p: float) -> str:
    """Two significant digits, or < 0.0001."""
    return "< 0.0001" if p < 1e-4 else f"{p:.2g}"


def escape(text: object) -> str:
    """Text of unknown origin, on one line and without meaning to Markdown or HTML; an address in it is no link."""
    return re.sub(r"([\\`*_{}\[\]<>|~#&$]|:(?=//)|(?<=\bwww)\.|(?<=\bmailto):|(?<=\bxmpp):)", r"\\\1", _line(text))


def code(text: object) -> str:
    """Text as code, on one line, safe inside a table."""
    line = _line(text).strip()
    return f"`{line.replace('`', chr(39)).replace('|', chr(166))}`" if line else "(empty)"


def _line(text: object) -> str:
    return printable(re.sub(r"\s", " ", str(text)))


def details(summary: str, body: str) -> str:
    """A part that is folded away until asked for."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"

"""Tables and figures in HTML. Every text goes through ``escape``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import pandas as pd

from bench.report import markdown
from bench.report.markdown import ABSENT
from bench.report.plots import Plot, svg
from bench.report.plots.style import GRID, INK, PAPER

_TINTS = {INK: "var(--ink)", GRID: "var(--grid)", PAPER: "var(--paper)"}


@dataclass(frozen=True, slots=True)
class Column(markdown.Column):
    """As in Markdown, and perhaps with markup of its own."""

    html: Callable[[Any], str] | None = None
    """Markup of a value, in place of its escaped text."""


def table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    caption: str,
    sortable: bool = False,
    name: str = "",
    missing: Callable[[Any, str], str] = lambda row, key: ABSENT,
    candidate: Callable[[Any], bool] = lambda row: True,
) -> str:
    """A table that scrolls within its own box. The first column heads the rows; the best of a column are bold."""
    rows = [row for _, row in frame.iterrows()]
    best = {column.key: _best(rows, column, candidate) for column in columns}
    head = "".join(
        f'<th scope="col"{_number(frame, column)}>{escape(column.header)}'
        + (f' <span title="{_DIRECTION[column.best]} is better">{column.best}</span>' if column.best else "")
        + "</th>"
        for column in columns
    )
    body = "".join(
        "<tr>"
        + "".join(_cell(row, column, i == 0, frame, best, missing, candidate) for i, column in enumerate(columns))
        + "</tr>\n"
        for row in rows
    )  # fmt: skip
    marks = (' data-sortable=""' if sortable else "") + (f' id="{escape(name)}"' if name else "")
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table{marks}>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>"
    )


_DIRECTION = {"↑": "higher", "↓": "lower"}


def _best(rows: Sequence[Any], column: Column, candidate: Callable[[Any], bool]) -> str | None:
    values = [row[column.key] for row in rows if column.best and not pd.isna(row[column.key]) and candidate(row)]
    return column.text(max(values) if column.best == "↑" else min(values)) if len(values) > 1 else None


def _number(frame: pd.DataFrame, column: Column) -> str:
    return ' class="number"' if pd.api.types.is_numeric_dtype(frame[column.key]) else ""


def _cell(
    row: Any, column: Column, first: bool, frame: pd.DataFrame, best: dict[str, str | None],
    missing: Callable[[Any, str], str], candidate: Callable[[Any], bool],
) -> str:  # fmt: skip
    value = row[column.key]
    absent = pd.isna(value)
    text = missing(row, column.key) if absent else column.text(value)
    inner = escape(text) if absent or column.html is None else column.html(value)
    if not absent and candidate(row) and text == best[column.key]:
        inner = f"<b>{inner}</b>"
    if column.interval and not absent:
        low, high = (column.text(row[end]) for end in column.interval)
        inner += f' <span class="interval">({escape(low)}-{escape(high)})</span>'
    tag = 'th scope="row"' if first else "td"
    raw = "" if absent else f' data-value="{escape(str(value))}"'
    return f"<{tag}{_number(frame, column)}{raw}>{inner}</{tag[:2]}>"


def figure(plot: Plot) -> str:
    """A plot inline: in the page's own colours, its ids made its own, and read aloud as its caption."""
    drawn = svg(plot)
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r"<metadata>.*?</metadata>|<style[^>]*>.*?</style>", "", drawn, flags=re.DOTALL)
    drawn = re.sub(r'(\sid="|url\(#|href="#)', rf"\g<1>{plot.name}-", drawn)
    for colour, tint in _TINTS.items():
        drawn = drawn.replace(colour, tint)
    size = re.search(r'viewBox="0 0 ([\d.]+) ', drawn)
    width = round(float(size[1]) * 4 / 3) if size else 900
    label = f'role="img" aria-label="{escape(f"{plot.title}. {plot.alt}")}" style="--width:{width}px"'
    drawn = re.sub(r'<svg([^>]*?) width="[^"]*"', rf"<svg\1 {label}", drawn, count=1)
    drawn = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawn, count=1)
    return (
        f'<figure id="plot-{plot.name}"><h3>{escape(plot.title)}</h3>'
        f'<div class="scroll plot" tabindex="0" role="region" aria-label="{escape(plot.title)}">{drawn}</div>'
        f"<figcaption>{escape(plot.caption)}</figcaption></figure>"
    )


def as_json(value: object) -> str:
    """JSON that can stand inside a script element: no text can end the element or begin another."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def pairs(items: Sequence[tuple[str, str]]) -> str:
    """Terms and what they are."""
    return "<dl>" + "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in items) + "</dl>"

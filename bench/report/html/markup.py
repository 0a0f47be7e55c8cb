"""Tables and figures in HTML. Every text goes through ``escape``, every text of a script through ``as_json``."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from bench.printable import printable
from bench.report.plots import Plot, svg
from bench.report.plots.style import GRID, INK, PAPER
from bench.report.text import markdown
from bench.report.text.markdown import ABSENT, NUMBERS
from bench.tasks.base import Fact, Kind, Task

LONG: Final = 40
"""Letters of the longest word, or head of a row, that a cell does not break."""
_TINTS = {INK: "var(--ink)", GRID: "var(--grid)", PAPER: "var(--paper)"}


@dataclass(frozen=True, slots=True)
class Column(markdown.Column):
    """As in Markdown, and perhaps with markup of its own."""

    markup: Callable[[Any], str] | None = None
    """Markup of a value, in place of its escaped text."""


def escape(text: object) -> str:
    """Text of unknown origin, without meaning to HTML and without what a reader cannot see."""
    return html.escape(printable(text))


def fact_columns(task: Task, facts: Sequence[Fact]) -> list[Column]:
    """A task's columns, ready for a table."""
    written: Mapping[Kind, Callable[[Any], str]] = {
        **NUMBERS,
        "text": str,
        "answer": lambda label: str(label) or task.none,
        "code": lambda text: str(text) or "(empty)",
    }
    return [Column(fact.header, fact.key, written[fact.kind], fact.best, fact.interval) for fact in facts]


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
        f'<th scope="col"{_kind(frame, column, column.header)}>{escape(column.header)}'
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


def _kind(frame: pd.DataFrame, column: Column, text: str, heads: bool = False) -> str:
    kinds = ["number"] if pd.api.types.is_numeric_dtype(frame[column.key]) else []
    kinds += ["long"] if is_long(text, heads) else []
    return f' class="{" ".join(kinds)}"' if kinds else ""


def is_long(text: str, heads: bool = False) -> bool:
    """Whether a cell must break ``text``, which no head of a row otherwise does, or a word of it."""
    shown = printable(text)
    return max(map(len, [shown] if heads else shown.split()), default=0) > LONG


def _cell(
    row: Any, column: Column, first: bool, frame: pd.DataFrame, best: dict[str, str | None],
    missing: Callable[[Any, str], str], candidate: Callable[[Any], bool],
) -> str:  # fmt: skip
    value = row[column.key]
    absent = pd.isna(value)
    text = missing(row, column.key) if absent else column.text(value)
    inner = escape(text) if absent or column.markup is None else column.markup(value)
    if not absent and candidate(row) and text == best[column.key]:
        inner = f"<b>{inner}</b>"
    if column.interval and not absent:
        low, high = (column.text(row[end]) for end in column.interval)
        inner += f' <span class="interval">({escape(low)}-{escape(high)})</span>'
    tag = 'th scope="row"' if first else "td"
    raw = "" if absent else f' data-value="{escape(str(value))}"'
    return f"<{tag}{_kind(frame, column, text, first)}{raw}>{inner}</{tag[:2]}>"


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
    drawn = re.sub(r'<svg([^>]*?) width="[^"]*"', lambda match: f"<svg{match[1]} {label}", drawn, count=1)
    drawn = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawn, count=1)
    return (
        f'<figure id="plot-{plot.name}"><h3>{escape(plot.title)}</h3>'
        f'<div class="scroll plot" tabindex="0" role="region" aria-label="{escape(plot.title)}">{drawn}</div>'
        f"<figcaption>{escape(plot.caption)}</figcaption></figure>"
    )


def as_json(value: object) -> str:
    """JSON that can stand inside a script element: no text can end the element, begin another or hold the unseen."""
    return json.dumps(_shown(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _shown(value: object) -> object:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {_shown(key): _shown(part) for key, part in value.items()}
    return [_shown(part) for part in value] if isinstance(value, list | tuple) else value


def pairs(items: Sequence[tuple[str, str]]) -> str:
    """Terms and what they are."""
    return "<dl>" + "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in items) + "</dl>"

"""How every plot looks, and how it becomes bytes.

Nothing is told by colour alone: markers, line styles and hatches say the same, so that plots survive a grey printer
and colour blindness. Colours are those of Okabe and Ito (2008), without the yellow and the black.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bench.names import FLOOR, Name
from bench.printable import shortened
from bench.records.schema import Run
from bench.report.tables.outcomes import backends, family

INK: Final = "#222222"
GRID: Final = "#d9d9d9"
PAPER: Final = "#ffffff"
"""Colours that a page may exchange for its own: nothing else in a plot has them."""
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
MARKERS: Final = "os^DvPX<>phd8*H"
LINES: Final = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)))
HATCHES: Final = ("", "///", "...", "xxx")
DPI: Final = 160
MOST: Final = 40
"""Letters of a name in a plot."""

_STYLE: Final[dict[str, Any]] = {
    "axes.axisbelow": True,
    "axes.edgecolor": INK,
    "axes.facecolor": PAPER,
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.facecolor": PAPER,
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "hatch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "path",
    "svg.hashsalt": "digitbench",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure: ``name`` is its file's stem, ``caption`` what it shows and of how many, ``alt`` what one sees."""

    name: str
    title: str
    caption: str
    alt: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Look:
    """How one backend is drawn, alike in every plot."""

    colour: str
    marker: str
    line: Any


def looks(run: Run) -> dict[str, Look]:
    """A look for each backend but the floor: a marker each, and a line by place among those of its colour.

    Colours are by backend, with or without noise in training, where they suffice, else by family.
    """
    names = sorted(name for name in backends(run) if name != FLOOR)
    kinds = {name: str(Name.parse(name).plain) for name in names}
    if len({*kinds.values()}) > len(COLOURS):
        kinds = {name: family(name) for name in names}
    coloured = list(dict.fromkeys(kinds.values()))
    seen: dict[str, int] = {}
    styles = {}
    for i, name in enumerate(names):
        kind = kinds[name]
        place = seen[kind] = seen.get(kind, -1) + 1
        colour = COLOURS[coloured.index(kind) % len(COLOURS)]
        styles[name] = Look(colour, MARKERS[i % len(MARKERS)], LINES[place % len(LINES)])
    return styles


@contextmanager
def styled() -> Iterator[None]:
    """Draw and save inside this; matplotlib's settings are put back after it."""
    settings: dict[Any, Any] = {**matplotlib.rcParamsDefault, "backend": "agg", **_STYLE}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")  # it is drawn as a box
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, in inches, that no global state knows of."""
    return Figure(figsize=(width, height), layout="constrained")


def panels(count: int, columns: int, width: float, height: float, **kwargs: Any) -> tuple[Figure, list[Axes]]:
    """``count`` axes in a grid of at most ``columns``; the sizes are of one panel."""
    across = min(columns, count)
    down = -(-count // across)
    figure = new_figure(across * width, down * height)
    grid = figure.subplots(down, across, squeeze=False, **kwargs)
    flat = list(grid.flat)
    for axes in flat[count:]:
        axes.remove()
    return figure, flat[:count]


def named(name: object, most: int = MOST) -> str:
    """A name as a plot can show it: short, and without meaning to matplotlib, which reads formulas and hides ``_``."""
    text = shortened(name, most).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def legend(figure: Figure, names: Sequence[str], look: dict[str, Look], below: int = 0) -> None:
    """Names beside the data, or in columns below them, with the marker and line of each."""
    handles = [_handle(name, look[name]) for name in names]
    if below:
        figure.legend(handles=handles, loc="outside lower center", handlelength=3.2, ncols=below)
    else:
        figure.legend(handles=handles, loc="outside right upper", handlelength=3.2)


def _handle(name: str, look: Look) -> Line2D:
    return Line2D(
        [],
        [],
        color=look.colour,
        marker=look.marker,
        linestyle=look.line,
        markeredgecolor=look.colour,
        label=named(name),
    )


def svg(plot: Plot) -> str:
    """The figure as SVG: the same records give the same text."""
    return _saved(plot, "svg", {"Date": None, "Creator": None}).decode()


def png(plot: Plot) -> bytes:
    """The figure as PNG at 160 dots per inch."""
    return _saved(plot, "png", {"Software": None})


def _saved(plot: Plot, kind: str, metadata: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with styled():
        plot.figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
    return buffer.getvalue()

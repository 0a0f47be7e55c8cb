"""Plots of a run, drawn from its records and tables alone. Imported when asked for: matplotlib is slow to load."""

from bench.report.plots.draw import draw, write
from bench.report.plots.style import Plot, png, svg

__all__ = ["Plot", "draw", "png", "svg", "write"]

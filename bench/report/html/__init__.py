"""The report as one HTML file that needs no network: tables, plots, a part per backend, a gallery of every error."""

from bench.report.html.gallery import Sound
from bench.report.html.page import page, write

__all__ = ["Sound", "page", "write"]

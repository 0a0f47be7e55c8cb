"""Plots and the one-file HTML report of a run, with the recordings where they are still to be had."""

from __future__ import annotations

from pathlib import Path

from bench.config import read_config
from bench.corpora import open_for
from bench.errors import BenchError
from bench.records import read_run
from bench.report import html, plots
from bench.report.document import build


def write_page(folder: Path) -> tuple[Path, str]:
    """Write ``plots/`` and ``report.html`` into a run; the page, and why it has no sound, if so."""
    run = read_run(folder)
    tables = build(run).tables
    drawn = plots.draw(run, tables)
    plots.write(drawn, folder)
    audio, silent = None, ""
    try:
        kept = {name: run.info["config"].get(name) for name in ("corpus", "train", "test", "data")}
        given = {name: value for name, value in kept.items() if value}
        corpus = open_for(read_config(None, {**given, "vocabulary": run.info["vocabulary"]}))
        audio = html.recordings(run, corpus)
    except BenchError as error:
        silent = str(error)
    return html.write(html.page(run, tables, drawn, audio=audio), folder), silent

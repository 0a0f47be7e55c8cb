"""What is made of a run's records once they are there: checksums, the report, and the page to look at and listen to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bench.errors import BenchError
from bench.process import ROOT


def derive(folder: Path) -> None:
    """Checksums, and the report in a process of its own: a large run must not weigh on this one. Raises BenchError."""
    from bench.verify import write_checksums

    write_checksums(folder)
    done = subprocess.run(
        [sys.executable, "-m", "bench", "report", str(folder.resolve())],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"{folder}: the records are complete, the report failed: {done.stderr.strip()}")


def write_report(folder: Path) -> Path:
    """Write ``report.md`` and ``tables/`` into a run. Raises BenchError for a folder without records."""
    from bench.records import read_run
    from bench.report import build, write

    write(build(read_run(folder)), folder)
    return folder / "report.md"


def write_page(folder: Path) -> tuple[Path, str]:
    """Write ``plots/`` and ``report.html`` into a run; the page, and why it has no sound, if so.

    Sounds are those of the recordings that the run heard, where they are still to be had.
    """
    from bench.config import read_config
    from bench.corpora import open_for
    from bench.records import read_run
    from bench.report import build, html, plots

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

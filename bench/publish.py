"""What is made of a run's records once they are there: checksums, the report, and the page to look at and listen to."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError
from bench.workers.parent import ROOT

if TYPE_CHECKING:
    from bench.records.schema import Run
    from bench.report.html import Sound

_OF_RECORDINGS = ("data", "pattern", "longest_clip_s", "clip_rates_hz", "most_channels")
"""Settings that say which recordings a run heard, besides the names of its corpora."""


def derive(folder: Path) -> None:
    """Checksums, and the report in a process of its own: a large run must not weigh on this one. Raises BenchError.

    Plots and page are made again where there were some, so that none shows records that are no more.
    """
    from bench.verify import write_checksums

    page = ["--html"] if (folder / "plots").exists() or (folder / "report.html").exists() else []
    write_checksums(folder)
    done = subprocess.run(
        [sys.executable, "-m", "bench", "report", str(folder.resolve()), *page],
        cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    if done.returncode:
        raise BenchError(f"{folder}: the records are complete, the report failed: {done.stderr.strip()}")


def write_report(folder: Path) -> Path:
    """Write ``report.md``, which shows the plots there are, and ``tables/`` into a run.

    Raises BenchError for a folder without records.
    """
    from bench.marks import open_run
    from bench.records.read import consistent
    from bench.report import build, drawn, write

    with consistent(folder):
        write(build(open_run(folder), drawn(folder)), folder)
    return folder / "report.md"


def write_page(folder: Path) -> tuple[Path, str]:
    """Write ``plots/``, ``report.html`` and a ``report.md`` with the plots; the page, and why it has no sound, if so.

    Sounds are those of the recordings that the run heard, under its conditions, where they are still to be had.
    """
    from bench.marks import open_run
    from bench.records.read import consistent
    from bench.report import build, html, plots
    from bench.verify import publish

    run = open_run(folder)
    with consistent(folder):
        tables = build(run).tables
        drawn = plots.draw(run, tables)
        written = plots.write(drawn, folder)
        write_report(folder)
        sound, silent = _sounds(run)
        page = html.write(html.page(run, tables, drawn, sound), folder)
    publish(folder, [*written, page])
    return page, silent


def _sounds(run: Run) -> tuple[Sound | None, str]:
    """What backends heard, or why there is no sound."""
    from bench.clips import Clips
    from bench.configfile import read_config
    from bench.corpora import open_for
    from bench.recordings import sounds

    try:
        config = run.info["config"]
        names = ("task", "train", "test") if config.get("train") else ("task", "corpus")
        kept = {name: config.get(name) for name in (*names, *_OF_RECORDINGS)}
        given = {name: value for name, value in kept.items() if value}
        corpus = open_for(read_config(None, {**given, "vocabulary": run.info["vocabulary"]}))
        return sounds(run, Clips(run.clips, corpus.folders)), ""
    except BenchError as error:
        return None, str(error)

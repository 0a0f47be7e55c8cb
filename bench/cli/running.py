"""Commands that make records, and say of what: run, list, data."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.cli.base import FAILED, INTERRUPTED, app, path_option
from bench.cli.flags import configured
from bench.config import Config
from bench.errors import BenchError
from bench.printable import printable
from bench.terminal import Console

if TYPE_CHECKING:
    from bench.corpora import Corpus

KEPT = "what was done is kept"
RESULTS = Path("results")
"""Where runs go that are not told where."""
FLAGS = (
    "task", "corpus", "part", "language", "train", "test", "data", "pattern", "strict", "backends", "splits",
    "conditions", "limit", "seed", "jobs", "threads", "latency_clips", "processes", "latency_round", "warmup",
    "throughput_s", "throughput_audio_s", "checks", "step_limit_s", "memory_limit_mb", "longest_clip_s",
    "clip_rates_hz", "most_channels",
)  # fmt: skip
"""Settings that `run` has a flag for; the others are tables."""


@app.command()
@configured(*FLAGS)
def run(
    config: Config,
    context: typer.Context,
    out: Annotated[Path | None, path_option("Folder of the run.  [default: results/CORPUS]")] = None,
) -> None:
    """Measure backends on a corpus; resumes what was begun. Writes records, tables and report.md."""
    from bench.corpora import open_for
    from bench.preflight import check
    from bench.progress import counted, reporter
    from bench.publish import derive
    from bench.records.journal import holds_work
    from bench.runner import run as carry_out

    fallback = context.params["corpus"] is None and context.params["data"] is None
    console = Console(stderr=True, emoji=False)
    say = reporter(console)
    folder = out
    try:
        check(config, out or RESULTS)
        with counted(say, "reading clips") as progress:
            clips = open_for(config, fallback=fallback, progress=progress)
        folder = out or _folder(clips, config)
        say.say(f"{clips.name}: {len(clips.clips):,} clips from {clips.source} ({clips.root}); writing to {folder}")
        for line in clips.remarks:
            say.say(line)
        done = carry_out(config, clips, folder, _command(), say, derive)
    except KeyboardInterrupt:
        kept = folder and holds_work(folder)
        say.say(f"stopped; {f'{KEPT}: the same command goes on from here' if kept else 'nothing was done yet'}")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        kept = folder and holds_work(folder)
        where = error.filename or folder or "the system"
        raise BenchError(f"{where}: {error.strerror or error}{f'; {KEPT}' if kept else ''}") from error
    say.say(f"report: {folder / 'report.md'}")
    if done.failures or clips.rejected:
        say.say(f"failures: {len(done.failures)}, rejected files: {len(clips.rejected)}; see the report")
        raise typer.Exit(FAILED)


@app.command("list")
def list_() -> None:
    """Backends, corpora, splits and conditions, and what each backend needs installed."""
    from bench import inventory

    terminal = Console(emoji=False, markup=False)
    terminal.print(inventory.backends(), inventory.corpora(), inventory.splits(), inventory.conditions())


@app.command()
@configured("data")
def data(config: Config) -> None:
    """Where recordings and weights are looked for and were found, with sizes and hashes."""
    from bench import inventory
    from bench.progress import counted, reporter

    with counted(reporter(Console(stderr=True, emoji=False)), "reading clips") as progress:
        recordings = inventory.recordings(config.data, progress)
    Console(emoji=False, markup=False).print(recordings, inventory.weights(config))


def _folder(corpus: Corpus, config: Config) -> Path:
    """Where a run goes that was not told: never over one of other recordings, nor a trial over the whole."""
    from bench.names import file_name

    name = corpus.title.replace(" → ", "-on-")
    if printable(name) != name or len(name.encode()) > 100:
        name = file_name(name)
    return RESULTS / (f"{name}-limit{config.limit}" if config.limit else name)


def _command() -> str:
    return shlex.join(["digitbench", *sys.argv[1:]])

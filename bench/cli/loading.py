"""Commands about reading sound files: loaders."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.base import INTERRUPTED, app, echo, path_option
from bench.cli.running import KEPT, RESULTS
from bench.printable import printable
from bench.terminal import Console


@app.command()
def loaders(
    out: Annotated[Path, path_option("Folder of the run.", "--out")] = RESULTS / "loaders",
    data: Annotated[
        Path | None, path_option("Real recordings.  [default: DIGITBENCH_DATA, else synthetic voices]", "--data")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A few short files, two rounds: to see that it works.")
    ] = False,
    rounds: Annotated[int | None, typer.Option(help="Fresh processes of each loader.")] = None,
    only: Annotated[str | None, typer.Option(metavar="A,B", help="These beside librosa and audiodecode.")] = None,
    formats: Annotated[str | None, typer.Option(metavar="A,B", help="WAV16, FLAC, Opus and so on: not all.")] = None,
    files: Annotated[int, typer.Option(help="For how many files the bill is made out.")] = 5000,
    cost_per_hour: Annotated[float, typer.Option(help="Dollars for an hour of the machine.")] = 2.5,
    report: Annotated[
        Path | None, path_option("A finished run: its report made anew, nothing measured.", "--report")
    ] = None,
) -> None:
    """Time librosa, soundfile, audiodecode and other loaders of sound files against each other; resumes."""
    from bench.corpora import default_cache
    from bench.loading.plan import FULL, QUICK, chosen
    from bench.loading.report import write_report
    from bench.loading.runs import WORK, Asked, carry_out, read
    from bench.progress import reporter

    asked = Asked(files, cost_per_hour)
    if report:
        echo(write_report(read(report), report, asked.files, asked.dollars))
        return
    plan = chosen(QUICK if quick else FULL, _names(only), _names(formats), rounds)
    say = reporter(Console(stderr=True, emoji=False))
    given = os.environ.get("DIGITBENCH_DATA")
    recordings = data or (Path(given) if given else None)
    command = printable(shlex.join(["digitbench", *sys.argv[1:]]))
    try:
        written = carry_out(plan, asked, out, recordings, default_cache(), command, say)
    except KeyboardInterrupt:
        kept = (out / WORK).exists()
        say.say(f"stopped; {f'{KEPT}: the same command goes on from here' if kept else 'nothing was done yet'}")
        raise typer.Exit(INTERRUPTED) from None
    say.say(f"report: {written}")


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())

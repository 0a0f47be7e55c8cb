"""Commands about sounds: analyse, rejection."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.base import FAILED, INTERRUPTED, app, echo, path_argument, path_option
from bench.cli.flags import configured
from bench.config import Config
from bench.terminal import Console


@app.command()
def analyse(
    files: Annotated[list[Path], path_argument("Recordings.")],
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line: segments, and every hop.")] = False,
    pictures: Annotated[
        Path | None, path_option("A folder for a PNG of each: waveform, spectrogram, bands, scores.", "--pictures")
    ] = None,
) -> None:
    """Silence, noise and speech in recordings, and how far they may be compressed. Exit code 1 if one is unreadable."""
    from bench.analyse import analyse_files

    failed = False
    for analysis in analyse_files(files, pictures):
        failed |= analysis.error is not None
        echo(analysis.json() if json else analysis.line(), err=analysis.error is not None and not json)
    if failed:
        raise typer.Exit(FAILED)


@app.command()
@configured()
def rejection(
    config: Config,
    backends: Annotated[
        str | None, typer.Option(metavar="A,B", help="Names of those that say how sure they are.")
    ] = None,
    out: Annotated[Path, path_option("Folder of records and report.", "--out")] = Path("results/rejection"),
    limit: Annotated[
        int | None, typer.Option(min=1, help="So many words or recordings of each kind, for a trial.")
    ] = None,
) -> None:
    """Other words and noises taken for digits, at a threshold that keeps 95 % of digits; resumes what was begun."""
    from bench.progress import reporter
    from bench.rejection.report import BACKENDS, rejection

    chosen = tuple(name.strip() for name in backends.split(",") if name.strip()) if backends else BACKENDS
    say = reporter(Console(stderr=True, emoji=False))
    try:
        page = rejection(replace(config, backends=chosen), out, limit, say)
    except KeyboardInterrupt:
        say.say("stopped; what was done is kept: the same command goes on from here")
        raise typer.Exit(INTERRUPTED) from None
    echo(page)

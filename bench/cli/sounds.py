"""Commands about sounds: analyse."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.base import FAILED, app, echo, path_argument, path_option


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

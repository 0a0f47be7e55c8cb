"""Commands that serve: serve."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.base import app, echo, path_option
from bench.cli.flags import configured
from bench.cli.listening import Vad
from bench.config import Config


@app.command()
@configured()
def serve(
    config: Config,
    backends: Annotated[str, typer.Option(metavar="A,B", help="Backends that need no training, by name.")] = "",
    models: Annotated[
        list[Path] | None, path_option("A model file that `digitbench train` wrote; again for more.", "--model")
    ] = None,
    host: Annotated[str, typer.Option(help="The address to listen on: others than this machine's own are open.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 is any that is free.")] = 8765,
    origin: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Where a proxy shows it, such as https://digits.example; again for more."),
    ] = None,
    vad: Vad = "auto",
    save: Annotated[Path | None, path_option("A folder for what is said and heard: a corpus.", "--save")] = None,
    speaker: Annotated[str, typer.Option(help="Who speaks, for what is saved.")] = "",
) -> None:
    """A page to speak to in the browser, and POST /predict: every backend answers side by side."""
    from bench.live.candidates import candidates
    from bench.live.server import Address, Serving, check_packages
    from bench.live.server import serve as carry_out

    check_packages()
    names = tuple(filter(None, (name.strip() for name in backends.split(","))))
    chosen = candidates(config, names, models or ())
    vocabulary = {label: None for candidate in chosen for label in candidate.job.vocabulary}
    address = Address(host, port, tuple(origin or ()))
    carry_out(Serving(chosen, tuple(vocabulary), address, save, speaker, vad), lambda line: echo(line, err=True))

"""Writing for people, and going on in silence when nobody reads any more, as after ``| head -1``."""

from __future__ import annotations

import os
import sys
from typing import IO

import rich.console
import typer


class Console(rich.console.Console):
    """A console whose reader may leave: the work goes on, and its exit code says how it ended."""

    def on_broken_pipe(self) -> None:
        """Say nothing more."""
        self.quiet = True
        _silence(self.file)


def write(text: str, err: bool = False) -> None:
    """One line to standard output, or error."""
    try:
        typer.echo(text, err=err)
    except BrokenPipeError:
        _silence(sys.stderr if err else sys.stdout)


def _silence(stream: IO[str]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)

"""What all commands share: the application, exit codes, what they print, paths as arguments."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer
from typer.core import TyperGroup

from bench.errors import BenchError
from bench.printable import printable
from bench.settings import user_path as expanded
from bench.terminal import write

OK, FAILED, UNUSABLE, INTERRUPTED = 0, 1, 2, 130
"""Exit codes: all well; done, but a backend failed or a file was rejected; bad input; stopped by Ctrl-C (by SIGTERM
143, by SIGHUP 129)."""


class _Commands(TyperGroup):
    """Commands whose complaints show arguments that are no text for a terminal, and whose list cuts no sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command given. Complaints of its arguments are made printable."""
        try:
            return super().invoke(ctx)
        except Exception as error:
            if isinstance(message := getattr(error, "message", None), str):
                error.message = printable(message)  # type: ignore[attr-defined]
            raise

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List every command with all that its help says of it."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help or "") for name, command in commands if command])


app = typer.Typer(
    cls=_Commands,
    help="Should a tiny classical model or Whisper hear your digits? Numbers one can trust.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        write(f"digitbench {version('digitbench')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """What stands before a command."""


def user_path(text: str | Path) -> Path:
    """The path that an argument names, ``~`` expanded."""
    try:
        return expanded(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def path_option(help: str, *names: str) -> Any:
    """A flag that takes a path."""
    return typer.Option(*names, help=help, parser=user_path, metavar="PATH")


def path_argument(help: str) -> Any:
    """An argument that is a path."""
    return typer.Argument(help=help, parser=user_path)


RunFolder = Annotated[Path, path_argument("A run: a folder under results/.")]


def standard_input() -> BinaryIO:
    """Its bytes. Raises BenchError where whoever started this closed it."""
    if sys.stdin is None:
        raise BenchError("-: standard input is closed")
    return sys.stdin.buffer


def echo(*lines: object, err: bool = False) -> None:
    """Print lines that may hold anybody's names."""
    for line in lines:
        write(printable(line), err=err)

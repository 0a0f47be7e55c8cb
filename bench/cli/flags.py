"""Flags of settings: all that a command line says of one is what `bench.config` says of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

import typer

from bench.cli.base import path_option
from bench.config import SETTINGS, Config
from bench.configfile import assignments, read_config
from bench.errors import BenchError
from bench.workers.parent import ROOT

FILE = path_option("A file of settings, in place of bench.toml where there is one.", "--config")
ASSIGNMENTS = typer.Option(
    "--set",
    metavar="KEY = VALUE",
    help="Any setting as TOML, tables too: \"vocabulary.yes = ['yes']\"; again for more.",
)
TYPES: Mapping[str, Any] = get_type_hints(Config)


def configured(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command flags for these settings, ``--set`` and ``--config``.

    The command's first parameter is the `Config` that they make on top of the file of settings.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        def called(**given: Any) -> None:
            flags = {name: _value(name, given.pop(name)) for name in names}
            file, changes = _file(given.pop("config"), flags.get("task")), assignments(given.pop("set_") or [])
            config = read_config(file, changes, **flags)
            command(config, **given)

        kinds = {parameter.name: parameter for parameter in _own_parameters(command)}
        settings = {name: _annotation(name) for name in names}
        settings |= {"set_": Annotated[list[str] | None, ASSIGNMENTS], "config": Annotated[Path | None, FILE]}
        for name, kind in settings.items():
            kinds[name] = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        called.__signature__ = inspect.Signature([*kinds.values()])  # type: ignore[attr-defined]
        called.__annotations__ = {name: parameter.annotation for name, parameter in kinds.items()}
        called.__name__, called.__doc__ = command.__name__, command.__doc__
        return called

    return decorate


def _own_parameters(command: Callable[..., None]) -> list[inspect.Parameter]:
    """The parameters of a command but for the first."""
    parameters = list(inspect.signature(command, eval_str=True).parameters.values())
    return [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters[1:]]


def _annotation(name: str) -> Any:
    """How a flag is typed on the command line: lists are written with commas."""
    setting = SETTINGS[name]
    kind = next((part for part in get_args(TYPES[name]) if part is not type(None)), TYPES[name])
    if kind is Path:
        return Annotated[Path | None, path_option(setting.about)]
    listed = setting.kind.listed
    return Annotated[(str if listed else kind) | None, typer.Option(help=setting.about, metavar=listed or None)]


def _value(name: str, given: Any) -> Any:
    """What was written, as the setting wants it."""
    if given is None or not SETTINGS[name].kind.listed:
        return given
    parts = tuple(part.strip() for part in given.split(",") if part.strip())
    if int not in get_args(TYPES[name]):
        return parts
    try:
        return tuple(map(int, given.split(",")))
    except ValueError:
        flag = f"--{name.replace('_', '-')}"
        raise BenchError(f"{flag} {given!r}: whole numbers are wanted, such as 1,4") from None


def _file(chosen: Path | None, task: str | None) -> Path | None:
    """The file named, or bench.toml here, or the checkout's; of a task that is named and has one, TASK.toml before."""
    names = [f"{task}.toml"] if task and task.isidentifier() else []
    standard = (place / name for name in (*names, "bench.toml") for place in (Path(), ROOT))
    return chosen or next((path for path in standard if path.is_file()), None)

"""What is said of settings put together: defaults, under ``bench.toml`` or another file, under ``--set`` and flags."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench import tasks
from bench.config import SETTINGS, Config
from bench.errors import BenchError, near
from bench.names import ALL, CROSS
from bench.settings import shown

LARGEST_FILE = 1_000_000
"""Bytes of a file of settings."""


def read_config(path: Path | None, changes: Mapping[str, Any] | None = None, **flags: Any) -> Config:
    """Defaults, then the file, then ``changes`` (``--set``) and every flag that is not None.

    What is said later replaces what was said before, but for ``backend``, whose options are laid over one another one
    by one. A ``corpus`` said later displaces ``train`` and ``test``, and they displace ``corpus`` and ``splits``.
    Raises BenchError for a file that cannot be read, an unknown key, a value of the wrong kind, a setting that both
    ``changes`` and a flag say, or settings at odds.
    """
    written = _settings(_read_toml(path), lambda name: f"{path}: {name} =") if path else {}
    changed = _settings(changes or {}, lambda name: f"--set {name} =")
    given = {name: value for name, value in flags.items() if value is not None}
    flagged = _settings(given, lambda name: f"--{_flag(name)}")
    if twice := changed.keys() & flagged.keys():
        name = min(twice)
        raise BenchError(f"--set {name} and --{_flag(name)} say the same setting; leave one of them out")
    said = _over(changed, flagged)
    settings = _over(_not_displaced(written, said), said)
    config = _asked(replace(Config(), **settings), settings, "--set" if "vocabulary" in said else f"{path}:")
    return _across(config, settings, "command line" if said else str(path)) if config.train or config.test else config


def assignments(lines: Sequence[str]) -> dict[str, Any]:
    """The lines of ``--set`` as one table. Raises BenchError for a line that assigns nothing, or a key said twice."""
    settings: dict[str, Any] = {}
    for line in lines:
        try:
            said = tomllib.loads(line)
        except (ValueError, RecursionError) as error:
            raise BenchError(
                f"--set {shown(line)}: not a TOML assignment ({error}); KEY = VALUE is wanted, strings in quotes"
            ) from error
        if not said:
            raise BenchError(f"--set {line!r}: it says nothing; KEY = VALUE is wanted")
        settings = _joined(settings, said, line)
    return settings


def _joined(settings: Mapping[str, Any], said: Mapping[str, Any], line: str, table: str = "") -> dict[str, Any]:
    joined = dict(settings)
    for name, value in said.items():
        earlier = joined.get(name)
        if isinstance(value, Mapping) and isinstance(earlier, Mapping):
            joined[name] = _joined(earlier, value, line, f"{table}{name}.")
        elif name in joined:
            raise BenchError(f"--set {shown(line)}: {table}{name} is set twice")
        else:
            joined[name] = value
    return joined


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Settings laid over others: options of backends one by one, all else whole."""
    chosen = {**below, **above}
    if "backend" in below and "backend" in above:
        lower, upper = below["backend"], above["backend"]
        chosen["backend"] = {name: {**lower.get(name, {}), **upper.get(name, {})} for name in (*lower, *upper)}
    return chosen


def _not_displaced(written: Mapping[str, Any], said: Collection[str]) -> dict[str, Any]:
    displaced = {"train", "test"} if "corpus" in said else set()
    displaced |= {"corpus", "splits"} if {"train", "test"} & {*said} else set()
    return {name: value for name, value in written.items() if name not in displaced}


def _settings(values: Mapping[str, Any], place: Callable[[str], str]) -> dict[str, Any]:
    """Every value as its setting's kind reads it; ``place`` says where a key was given."""
    settings = {}
    for name, value in values.items():
        if name not in SETTINGS:
            raise BenchError(f"{place(name).rstrip(' =')}: unknown setting {name!r}{near(name, SETTINGS)}")
        try:
            settings[name] = SETTINGS[name].kind.read(value)
        except (ValueError, BenchError) as error:
            raise BenchError(f"{place(name)} {shown(value)}: {error}") from error
    return settings


def _flag(name: str) -> str:
    return name.replace("_", "-")


def _asked(config: Config, settings: Mapping[str, Any], where: str) -> Config:
    """The vocabulary that the task needs: its own, or where any words may be said none but one that is given."""
    task = tasks.find(config.task)
    closed = task.closed
    if "splits" not in settings:
        dividing = tuple(split for split in task.splits if split != ALL)
        config = replace(config, splits=dividing or task.splits)
    if closed and not config.vocabulary:
        raise BenchError(
            f"{where} vocabulary = {{}}: at least two labels are wanted by task {config.task!r}, each with its spelling"
        )
    return config if closed or "vocabulary" in settings else replace(config, vocabulary={})


def _across(config: Config, settings: Mapping[str, Any], where: str) -> Config:
    """The settings of a run across corpora."""
    at_odds = [name for name in ("corpus", "splits") if name in settings]
    if at_odds:
        raise BenchError(
            f"{where}: train and test name the corpora and how they are split, so {' and '.join(at_odds)} cannot be"
            " said as well: either one or the other"
        )
    if not config.train:
        raise BenchError(
            f"{where}: test = {config.test!r} needs train as well, the corpus that trained backends learn from, such as"
            f" --train fsdd; to learn from a part of one corpus and test on the rest: --corpus {config.test}"
        )
    if not config.test:
        raise BenchError(
            f"{where}: train = {config.train!r} needs test as well, the corpus to test on, such as --test folder:PATH;"
            f" to learn from a part of one corpus and test on the rest: --corpus {config.train}"
        )
    if config.train == config.test:
        raise BenchError(f"{where}: train and test are both {config.train!r}; to split it: --corpus {config.train}")
    return replace(config, corpus=config.train, splits=(CROSS,))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror})") from error
    if len(content) > LARGEST_FILE:
        raise BenchError(f"{path}: larger than {LARGEST_FILE / 1e6:g} MB, so it is no file of settings")
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BenchError(f"{path}: not valid TOML, which is text in UTF-8 ({error.reason})") from error
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{path}: not valid TOML ({error})") from error

"""What a setting may be: in words for people, and as a check of the value that a TOML file or a flag gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backends.base import BackendError
from backends.kit.text import TextMapper, words

LARGEST = 2**32 - 1
"""No number of the settings may be larger."""


@dataclass(frozen=True, slots=True)
class Kind:
    """``words`` say what is wanted; ``read`` makes the setting of a given value, or raises ValueError with a reason."""

    words: str
    read: Callable[[Any], Any]
    listed: str = ""
    """How a flag writes a list, with commas; empty of what is no list."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What annotates a field of settings: its kind, and a sentence for ``--help`` and the docs."""

    kind: Kind
    about: str


def whole(least: int) -> Kind:
    """A whole number from ``least``."""
    said = f"a whole number from {least}"

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= LARGEST:
            raise ValueError(f"{said} to {LARGEST} is wanted")
        return value

    return Kind(said, read)


def number(least: float) -> Kind:
    """Any finite number from ``least``."""
    said = f"a number from {least:g}"

    def read(value: Any) -> float:
        if type(value) not in (int, float) or not least <= value <= LARGEST:
            raise ValueError(f"{said} to {LARGEST} is wanted")
        return float(value)

    return Kind(said, read)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a string that is not empty is wanted")
    return value


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is wanted")
    return value


def user_path(value: Any) -> Path:
    """A path with ``~`` expanded. Raises ValueError for what names no place."""
    if not isinstance(value, str | Path) or not str(value).strip() or "\0" in str(value) or value == Path():
        raise ValueError("a path is wanted")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        user = str(value)[1:].partition("/")[0]
        raise ValueError(f"there is no user {user!r}; a name that begins with ~ is written ./~NAME") from None


def strings(value: Any) -> tuple[str, ...]:
    """A list of strings, none of them blank. Raises ValueError."""
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError("a list of strings that are not empty is wanted")
    return tuple(value)


def names(value: Any) -> tuple[str, ...]:
    """A list of one or more names, each once. Raises ValueError."""
    chosen = strings(value)
    if not chosen:
        raise ValueError("it is empty; name at least one")
    return once(chosen)


def once(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values. Raises ValueError if one is there twice."""
    twice = next((value for number, value in enumerate(values) if value in values[:number]), None)
    if twice is not None:
        raise ValueError(f"it has {twice!r} twice")
    return values


def _counts(value: Any) -> tuple[int, ...]:
    if not isinstance(value, list | tuple) or not all(type(count) is int and 1 <= count <= LARGEST for count in value):
        raise ValueError("a list of whole numbers from 1 is wanted")
    return once(tuple(value))


def _vocabulary(value: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise ValueError("a table is wanted, such as {yes = ['yes', 'yeah'], no = ['no']}")
    if len(value) == 1:
        raise ValueError("at least two labels are wanted, each with how it is spoken: {yes = ['yes'], no = ['no']}")
    spoken = {}
    for label, forms in value.items():
        if not isinstance(label, str) or label != label.strip() or not label or not label.isprintable():
            raise ValueError(f"label {label!r}: a word is wanted, without spaces around it or signs that do not print")
        try:
            spoken[label] = strings(forms)
        except ValueError as error:
            raise ValueError(f"label {label!r}: {error}, how it is spoken or spelt") from None
        if not spoken[label]:
            raise ValueError(f"label {label!r} has no spelling; say how it is spoken: {label} = ['{label}']")
        if bare := next((form for form in spoken[label] if not words(form)), None):
            raise ValueError(f"label {label!r}: spelling {bare!r} has no letter and no digit")
    try:
        TextMapper(spoken)
    except BackendError as error:
        raise ValueError(f"{error}; a spelling means one label") from error
    return spoken


def options(own: Mapping[str, Kind]) -> Kind:
    """A table of options by backend; those of ``own`` have kinds, and a ``model`` that is a string is a path."""
    kinds = {"model": Kind("", lambda value: str(user_path(value)) if isinstance(value, str) else value), **own}

    def read(value: Any) -> dict[str, dict[str, Any]]:
        if not isinstance(value, Mapping) or not value:
            raise ValueError("a table of tables is wanted, options by backend: {faster-whisper = {beam_size = 5}}")
        for name, chosen in value.items():
            if not isinstance(chosen, Mapping):
                raise ValueError(f"{name}: a table of options is wanted, such as {name} = {{clips = 'official'}}")
        return {name: {key: option(name, key, given) for key, given in value[name].items()} for name in value}

    def option(name: str, key: str, value: Any) -> Any:
        try:
            return kinds[key].read(value) if key in kinds else _plain(value)
        except ValueError as error:
            raise ValueError(f"{name}.{key} = {shown(value)}: {error}") from None

    return Kind("a table of tables", read)


def _plain(value: Any) -> Any:
    """The value. Raises ValueError if JSON cannot hold it."""
    if isinstance(value, Mapping | list | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            _plain(part)
    elif not isinstance(value, str | int) and not (isinstance(value, float) and math.isfinite(value)):
        raise ValueError("strings, finite numbers, true, false, and lists and tables of these are wanted")
    return value


def shown(value: Any) -> str:
    """The value for a message, cut where it is long."""
    text = ",".join(map(str, value)) if isinstance(value, tuple) else repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


TEXT = Kind("a string", _text)
SWITCH = Kind("true or false", _yes_or_no)
PATH = Kind("a path; `~` is your home", user_path)
NAMES = Kind("a list of strings", names, "A,B")
COUNTS = Kind("a list of whole numbers from 1", _counts, "1,4")
VOCABULARY = Kind("a table: label = list of strings", _vocabulary)

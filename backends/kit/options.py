"""Options of a backend, from settings or from a model file: of the right type, or an error that says which is not."""

from __future__ import annotations

import math
from collections.abc import Mapping

from backends.base import BackendError

LARGEST = 2**32
"""No whole number reaches it: what seeds a generator is below."""
LONGEST = 100
"""Characters of a text."""
_WANTED = {bool: "true or false", int: f"a whole number from 0, less than {LARGEST}", float: "a number", str: "a text"}


def check(where: str, options: Mapping[str, object], kinds: Mapping[str, type]) -> None:
    """Raises BackendError, beginning with ``where``, unless ``options`` are those of ``kinds``, each of its type."""
    if unknown := sorted(set(options) - set(kinds)):
        raise BackendError(f"{where}: option {unknown[0][:LONGEST]!r} is not one that such a model file has")
    if missing := sorted(set(kinds) - set(options)):
        raise BackendError(f"{where}: option {missing[0]} is missing")
    for name, kind in kinds.items():
        if not _is(options[name], kind):
            raise BackendError(f"{where}: option {name} must be {_WANTED[kind]}, not {str(options[name])[:LONGEST]!r}")


def _is(value: object, kind: type) -> bool:
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if isinstance(value, int) and kind in (int, float):
        return 0 <= value < LARGEST if kind is int else abs(value) < LARGEST
    if isinstance(value, float):
        return kind is float and math.isfinite(value)
    return isinstance(value, str) and kind is str and len(value) <= LONGEST and value.isprintable()

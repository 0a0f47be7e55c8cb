"""The registry: what can be asked of a backend. A name -> its class, imported when it is asked for.

A task joins by a line here, under the entry point group ``digitbench.tasks``, or as ``path/to/file.py:Class``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from backends import BackendError, entry_points, load_class
from bench.errors import BenchError, near
from bench.tasks.base import Task

if TYPE_CHECKING:
    from backends.base import Asked

ENTRY_POINTS = "digitbench.tasks"
BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "classification": "bench.tasks.classification:Classification",
        "transcription": "bench.tasks.transcription:Transcription",
    }
)


def registry() -> dict[str, str]:
    """Every registered task and its ``module:Class``."""
    return {**dict(entry_points(ENTRY_POINTS)), **BUILT_IN}


def target(name: str) -> str:
    """``module:Class`` of a task by name; a ``file.py:Class`` as it is, from the root on. Raises BenchError."""
    known = registry()
    if name in known:
        return known[name]
    where, _, cls = name.rpartition(":")
    if not (where and cls.isidentifier()):
        raise BenchError(f"no task named {name!r}{near(name, known)}")
    return f"{Path(where).expanduser().resolve()}:{cls}" if where.endswith(".py") else name


def lasting(name: str) -> str:
    """A task's name as it is found again from any folder. Raises BenchError."""
    return name if name in registry() else target(name)


def find(name: str) -> type[Task]:
    """The class of a task. Raises BenchError when there is none such."""
    try:
        return load_class(target(name), Task)  # type: ignore[type-abstract]
    except BackendError as error:
        raise BenchError(str(error)) from error


def make(asked: Asked) -> Task:
    """The task that was asked. Raises BenchError."""
    return find(asked.task)(asked)


__all__ = ["Task", "find", "lasting", "make", "registry", "target"]

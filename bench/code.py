"""The code that records were made with: noted while it runs, and looked at again before they are used again."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.installed import named, owners

ROOT = Path(__file__).resolve().parent.parent
UNKNOWN = "the code that made it, which was not noted"


@dataclass(slots=True)
class Code:
    """What workers ran: sha256 of own files by path, in the project relative to it, and versions of packages."""

    modules: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    changes: int = 0
    """How often anything came to it."""

    def loaded(self, files: Mapping[str, str], packages: Iterable[str]) -> None:
        """Take in what a worker told: see :meth:`bench.workers.watch.Watch.news`."""
        modules = {_named(path): sha256 for path, sha256 in files.items()}
        found = {owner for package in packages for owner in _owners().get(package, ())}
        self.merge(modules, {owner: _version(owner) for owner in found})

    def merge(self, modules: Mapping[str, str], packages: Mapping[str, str]) -> None:
        """Take in what is noted elsewhere. Of what was met in two versions neither is known to have done the work."""
        for mine, others in ((self.modules, modules), (self.packages, packages)):
            for name, other in others.items():
                if mine.setdefault(name, other) != other:
                    mine[name] = ""
        self.changes += 1

    def facts(self) -> dict[str, dict[str, str]]:
        """As it is kept with records."""
        return {"modules": dict(sorted(self.modules.items())), "packages": dict(sorted(self.packages.items()))}


class Present:
    """Files and packages as they are now, each looked at once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], str] = {}

    def changed(self, facts: Mapping[str, Any]) -> list[str]:
        """Which of the files and packages that are noted in facts are not the same any more."""
        if not all(isinstance(facts.get(kind), dict) for kind in ("modules", "packages")):
            return [UNKNOWN]
        return [
            name
            for kind in ("modules", "packages")
            for name, noted in facts[kind].items()
            if not noted or noted != self._now(kind, name)
        ]

    def _now(self, kind: str, name: str) -> str:
        if (kind, name) not in self._found:
            self._found[kind, name] = sha256(ROOT / name) if kind == "modules" else _version(name)
        return self._found[kind, name]


def meaning(path: Path) -> str:
    """sha256 of what Python makes of a source file: comments, docstrings and layout make no difference."""
    tree = ast.parse(path.read_bytes())
    for node in ast.walk(tree):
        for name, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, name, [part for part in value if not _is_text(part)])
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def sha256(path: Path) -> str:
    """Of a file's bytes, in hex; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return ""


def _is_text(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _named(path: str) -> str:
    inside = Path(path)
    return inside.relative_to(ROOT).as_posix() if inside.is_relative_to(ROOT) else path


@cache
def _owners() -> Mapping[str, list[str]]:
    """By package, the distributions that it is of."""
    return owners()


def _version(name: str) -> str:
    found = named(name)
    return found.version if found else ""

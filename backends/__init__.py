"""The registry: backend name -> class, from this folder, installed entry points, or a file of one's own.

A class joins by living in a module of this folder or under the entry point group ``digitbench.backends``. A name may
also be ``path/to/file.py:Class`` or ``package.module:Class``.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import TypeVar

from backends.base import Backend, BackendError, TrainedBackend

ENTRY_POINTS = "digitbench.backends"
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Spec:
    """A backend as chosen on the command line: where its class is, and which variant of it."""

    name: str
    target: str
    """``module:Class`` or ``file.py:Class``."""
    variant: str = ""

    def load(self) -> type[Backend]:
        """Import the class. Raises BackendError if the module, file or class is not there or not a backend."""
        return load_class(self.target, Backend)  # type: ignore[type-abstract]


def load_class(target: str, base: type[Kind]) -> type[Kind]:
    """The class ``module:Class`` or ``file.py:Class``. Raises BackendError if it is not there, or not a ``base``."""
    where, _, attribute = target.rpartition(":")
    try:
        module = _from_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
        cls = getattr(module, attribute)
    except (Exception, SystemExit) as error:  # whatever somebody's module raises while it is imported
        raise BackendError(
            f"cannot import {base.__name__.lower()} {target!r}: {type(error).__name__}: {error}"
        ) from error
    if not (inspect.isclass(cls) and issubclass(cls, base)):
        raise BackendError(f"{target!r} is not a class derived from {base.__module__}.{base.__name__}")
    return cls


@cache
def registry() -> Mapping[str, str]:
    """Every registered family name and its ``module:Class``. A family is a module of this folder or a package in it.

    Modules are imported, and kept light.
    """
    targets = {}
    for module_info in pkgutil.walk_packages(__path__, f"{__name__}.", onerror=lambda name: None):
        name = module_info.name
        # One broken file must not hide the others: it is listed, and says why when it is asked for.
        try:
            module = importlib.import_module(name)
        except (Exception, SystemExit):
            targets[name.rpartition(".")[2]] = f"{name}:Backend"
            continue
        for _, found in inspect.getmembers(module, _is_backend):
            if found.__module__ == module.__name__:
                targets[found.name] = f"{found.__module__}:{found.__name__}"
    for name, target in entry_points(ENTRY_POINTS):
        targets.setdefault(name, target)
    return dict(sorted(targets.items()))


def entry_points(group: str) -> Iterator[tuple[str, str]]:
    """Names and targets that installed packages declare."""
    for dist in distributions():
        try:
            points = list(dist.entry_points.select(group=group))
        except Exception:  # one broken package must not hide the others: the run names it
            continue
        for point in points:
            yield point.name, point.value.partition("[")[0].strip()


def known_names() -> list[str]:
    """Every name that can be asked for, variants spelt out; of a class that cannot be imported, its family."""
    names = []
    for family, target in registry().items():
        try:
            variants = tuple(Spec(family, target).load().variants)
        except (BackendError, TypeError):
            variants = ()
        names += [f"{family}:{variant}" for variant in variants] or [family]
    return names


def find(name: str) -> Spec:
    """Look a name up. Raises BackendError with the nearest names when there is none such, or with the classes of a file
    of one's own, which is read and not run."""
    if name in registry():
        return Spec(name, registry()[name])
    left, _, right = name.partition(":")
    if right and left in registry():
        if not Spec(left, registry()[left]).load().variants:
            raise BackendError(f"backend {left!r} has no variants, so {name!r} means nothing; use {left!r}")
        return Spec(name, registry()[left], right)
    if own := re.fullmatch(r"(.+\.py)(?::(.*))?", name, re.DOTALL):
        return _own(own[1], own[2] or "")
    left, _, right = name.rpartition(":")
    if right.isidentifier() and "." in left:
        return Spec(f"{left}:{right}", name)
    near = difflib.get_close_matches(name, known_names(), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known_names())}"
    raise BackendError(f"no backend named {name!r}; {hint}")


def registered(family: str, variant: str = "") -> Spec:
    """A registered backend by its parts, as a model file names it: never a file, nor a module of one's own.

    Raises BackendError if there is none such.
    """
    if family not in registry():
        raise BackendError(f"{family[:100]!r} is no registered backend")
    return find(f"{family}:{variant}" if variant else family)


def exportable() -> list[str]:
    """Registered families whose models can be exported."""
    return [family for family, target in registry().items() if _exports(Spec(family, target))]


def _exports(spec: Spec) -> bool:
    try:
        return spec.load().export is not Backend.export
    except BackendError:
        return False


def _is_backend(found: object) -> bool:
    named = inspect.isclass(found) and issubclass(found, Backend) and "name" in vars(found)
    return named and not inspect.isabstract(found)


def _own(file: str, wanted: str) -> Spec:
    """The class of a file of one's own."""
    try:
        path = Path(file).expanduser()
        if not path.is_file():
            raise BackendError(f"backend {file}: {'not a file' if path.exists() else 'no such file'}")
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        raise BackendError(f"{file}, line {error.lineno}: {error.msg}; it is no Python file that can be run") from error
    except (OSError, RuntimeError, ValueError, RecursionError, MemoryError) as error:
        raise BackendError(f"backend {file}: cannot be read ({error})") from error
    if not wanted.isidentifier() or not {wanted, "*"} & _names(tree):
        classes = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        there = f"say which: {' or '.join(f'{file}:{each}' for each in classes)}" if classes else "there is none in it"
        raise BackendError(f"backend {file}: {f'no class {wanted!r}' if wanted else 'a class is wanted'}; {there}")
    return Spec(f"{path.stem}:{wanted}", f"{path.resolve()}:{wanted}")


def _names(tree: ast.Module) -> set[str]:
    """What a module's lines give a name to, classes or what may be one; ``*`` where they do not show all."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names


def _from_file(path: Path) -> object:
    name = f"_digitbench_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


__all__ = [
    "Backend",
    "BackendError",
    "Spec",
    "TrainedBackend",
    "exportable",
    "find",
    "known_names",
    "registered",
    "registry",
]

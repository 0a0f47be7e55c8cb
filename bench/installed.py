"""Installed packages, as their metadata have them; one that is broken hides none of the others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path

BROKEN = "broken"


def stated() -> dict[str, str]:
    """Every distribution and its version; also where each broken one lies and, after the word BROKEN, what is wrong."""
    versions: dict[str, str] = {}
    for dist in distributions():
        try:
            name, version = _identity(dist)
            versions.setdefault(name, version)
            _ = list(dist.entry_points), dist.requires, dist.read_text("RECORD")
        except Exception as error:  # whatever the metadata of somebody's package makes of the parser
            where = str(getattr(dist, "_path", "a package"))
            versions[where] = f"{BROKEN}: {type(error).__name__}: {error}"
    return versions


def owners() -> Mapping[str, list[str]]:
    """By top-level package or module, the distributions that it is of."""
    by_package: dict[str, list[str]] = {}
    for dist, name in _whole():
        for package in _packages(dist, name):
            if name not in by_package.setdefault(package, []):
                by_package[package].append(name)
    return by_package


def named(name: str) -> Distribution | None:
    """The distribution of a name, if there is one that tells its name and version."""
    return next((dist for dist, _ in _whole(name)), None) if name else None  # no name would stand for any


def _whole(name: str | None = None) -> Iterator[tuple[Distribution, str]]:
    for dist in distributions() if name is None else distributions(name=name):
        try:
            yield dist, _identity(dist)[0]
        except Exception:  # as in stated
            continue


def _identity(dist: Distribution) -> tuple[str, str]:
    name, version = dist.metadata["Name"], dist.metadata["Version"]
    if not name or not version:
        raise ValueError("its metadata hold no name or no version")
    return str(name), str(version)


def _packages(dist: Distribution, name: str) -> set[str]:
    """Top-level packages and modules of a distribution; one of its own name if its files are not known."""
    try:
        if declared := (dist.read_text("top_level.txt") or "").split():
            return set(declared)
        files = [Path(str(file)) for file in dist.files or [] if file.suffix == ".py"]
    except Exception:  # as in stated
        return {re.sub(r"[-.]+", "_", name)}
    return {file.parts[0] if len(file.parts) > 1 else file.stem for file in files}

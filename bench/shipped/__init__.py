"""Models that come with digitbench, so that ``predict``, ``live`` and ``serve`` answer without being told of one.

Made by :mod:`bench.shipped.make`; how, of what, and under which licence stands beside them, in ``recipe.json`` and
``LICENSE.md``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from backends import registered
from backends.base import BackendError, Vocabulary
from backends.kit.modelfile import read_header
from bench.making import missing
from bench.names import Name, file_name

FOLDER = Path(__file__).parent
NAMES = ("whisper-probe:tiny.en", "mfcc-lite")
"""Backends whose models ship, the more accurate first."""


def shipped(name: str, folder: Path = FOLDER) -> Path | None:
    """The model file of a backend, if one ships; none of one that learns from copies of clips."""
    asked = Name.parse(name)
    path = folder / f"{file_name(str(asked.plain))}.model"
    return path if str(asked.plain) in NAMES and not asked.copies and path.is_file() else None


def ready_ones(vocabulary: Vocabulary, folder: Path = FOLDER) -> Iterator[tuple[str, Path]]:
    """Backends that can answer now, the more accurate first, and their models: packages and weights are there.

    Nothing is fetched. Of another vocabulary than that of the models, by its labels, there are none.
    """
    for name in NAMES:
        path, parts = shipped(name, folder), Name.parse(name)
        if path is None:
            continue
        try:
            found = registered(parts.family, parts.variant).load()
            if missing(found.imports) or set(read_header(path).vocabulary) != set(vocabulary):
                continue
            sources = found(vocabulary, parts.variant).sources()
        except BackendError:
            continue
        if not sources or any(source.files for source in sources):
            yield name, path

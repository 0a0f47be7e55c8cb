"""The clips of a run: a table, and one clip of it as whoever works on it is told of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Rows = NDArray[np.intp]
Folders = Path | Mapping[str, Path]
"""Where clips lie: the folder their paths are relative to, or one for each first part of their paths."""
BATCH = 4096


@dataclass(frozen=True, slots=True)
class Clip:
    """One recording with its reference and speaker; sha256 is of its samples (:func:`bench.audio.fingerprint`)."""

    id: str
    path: str
    sha256: str
    reference: str
    speaker: str | None = None
    context_s: tuple[float, float] | None = None
    """Of a clip that was cut out of a stream: seconds before and behind its speech that it holds."""


@dataclass(frozen=True, slots=True)
class Clips:
    """The clips of a run. ``table`` has the columns of :data:`bench.corpora.base.COLUMNS`."""

    table: pd.DataFrame
    folders: Folders

    def __len__(self) -> int:
        return len(self.table)

    def at(self, rows: Rows) -> Iterator[Clip]:
        """The clips of these rows, in their order."""
        for part in batched(rows):
            columns = (self.table[name].iloc[part] for name in ("clip", "path", "sha256", "reference", "speaker"))
            for clip, path, sha256, reference, speaker in zip(*columns, strict=True):
                known = speaker if isinstance(speaker, str) else None
                yield Clip(clip, self._path(path), sha256, reference, known)

    def all(self) -> Iterator[Clip]:
        """Every clip."""
        return self.at(np.arange(len(self.table)))

    def only(self, rows: Rows) -> Clips:
        """These clips alone."""
        return Clips(self.table.iloc[rows].reset_index(drop=True), self.folders)

    def _path(self, path: str) -> str:
        if isinstance(self.folders, Path):
            return str(self.folders / path)
        part, _, rest = path.partition("/")
        return str(self.folders[part] / rest)


def told(clips: Iterable[Clip]) -> list[dict[str, Any]]:
    """Clips as JSON: what a worker is sent."""
    return [asdict(clip) for clip in clips]


def batched(rows: Rows) -> Iterator[Rows]:
    """A few thousand rows at a time: Python objects for all clips at once would outweigh the table they come from."""
    return (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))


def clips_hash(table: pd.DataFrame) -> str:
    """One hash over every clip's id, reference, speaker and samples, however they are split."""
    digest = hashlib.sha256()
    for part in batched(np.arange(len(table))):
        rows = table[["clip", "reference", "speaker", "sha256"]].iloc[part]
        digest.update(rows.to_csv(index=False, header=False).encode())
    return digest.hexdigest()

"""Decode every file of a corpus once, and describe it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd
import pyarrow as pa

from bench.audio import fingerprint, read
from bench.corpora.base import COLUMNS, Rejected
from bench.errors import BenchError

Progress = Callable[[int, int], None]
"""Called with how many files are done, and of how many."""

_SCHEMA = pa.schema([(name, pa.int64() if name in ("sample_rate", "samples") else pa.string()) for name in COLUMNS])
_CHUNK = 4096  # rows held as Python objects at a time, which take several times the room of a column


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that a corpus lists, before it is decoded. ``path`` is relative to the corpus's root, POSIX."""

    path: str
    label: str
    speaker: str | None = None
    official: str | None = None


def scan(
    root: Path, entries: Sequence[Entry], progress: Progress | None = None
) -> tuple[pd.DataFrame, tuple[Rejected, ...]]:
    """The table of clips (``COLUMNS``, sorted by clip id), and the files that cannot be used.

    Samples are dropped as soon as they are described, so memory does not grow with the audio. Raises BenchError when
    there is nothing to list or every file is rejected.
    """
    if not entries:
        raise BenchError(f"{root}: no audio files here (wav, flac, ogg, mp3)")
    stems = Counter(_stem(entry.path) for entry in entries)
    batches, rows, rejected = [], list[tuple[object, ...]](), list[Rejected]()
    for done, entry in enumerate(entries, 1):
        try:
            samples = _describe(root, entry)
        except BenchError as error:
            rejected.append(Rejected(entry.path, str(error).removeprefix(f"{root / entry.path}: ")))
        else:
            stem = _stem(entry.path)
            clip = stem if stems[stem] == 1 else entry.path
            rows.append((clip, entry.path, entry.label, entry.speaker, *samples, entry.official))
        if len(rows) == _CHUNK:
            batches.append(_batch(rows))
            rows.clear()
        if progress:
            progress(done, len(entries))
    if len(rejected) == len(entries):
        first = rejected[0]
        raise BenchError(f"{root}: all {len(entries)} files are rejected; the first, {first.path}: {first.reason}")
    table = pa.Table.from_batches([*batches, _batch(rows)], _SCHEMA)
    return table.sort_by("clip").to_pandas(), tuple(rejected)


def _describe(root: Path, entry: Entry) -> tuple[int, int, str]:
    if not entry.path.isprintable():
        raise BenchError(f"{root / entry.path}: its name is not printable UTF-8")
    audio, rate = read(root / entry.path)
    return rate, len(audio), fingerprint(audio, rate)


def _batch(rows: Sequence[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(_SCHEMA)
    return pa.RecordBatch.from_arrays(
        [pa.array(list(column), field.type) for column, field in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA
    )


def _stem(path: str) -> str:
    return PurePosixPath(path).with_suffix("").as_posix()

"""Decode every file of a corpus once, and describe it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from audiodecode.limits import LIMITS, Limits
from bench.audio import fingerprint, read
from bench.corpora.base import COLUMNS, Rejected
from bench.errors import BenchError

Progress = Callable[[int, int], None]
"""Called with how many files are done, and of how many."""

_SCHEMA = pa.schema(
    [(name, pa.int64() if name in ("sample_rate", "samples") else pa.large_string()) for name in COLUMNS]
)
_CHUNK = 4096  # rows held as Python objects at a time, which take several times the room of a column


@dataclass(frozen=True, slots=True)
class Entry:
    """A file that a corpus lists, before it is decoded. ``path`` is relative to its root, POSIX; "" is no label."""

    path: str
    label: str
    speaker: str | None = None
    official: str | None = None
    sex: str | None = None
    part: str | None = None


def scan(
    root: Path, entries: Iterable[Entry], total: int, progress: Progress | None = None, limits: Limits = LIMITS
) -> tuple[pd.DataFrame, tuple[Rejected, ...]]:
    """The table of clips (``COLUMNS``, sorted by clip id), and the files that cannot be used.

    Entries and samples are dropped as soon as they are described: a clip costs its row in the table and no more.
    ``total`` is the number of entries, for ``progress``. Raises BenchError when there is nothing to list or every file
    is rejected.
    """
    batches, rows, rejected = [], list[tuple[object, ...]](), list[Rejected]()
    for done, entry in enumerate(entries, 1):
        try:
            samples = _describe(root, entry, limits)
        except BenchError as error:
            rejected.append(Rejected(entry.path, str(error).removeprefix(f"{root / entry.path}: ")))
        else:
            stem = PurePosixPath(entry.path).with_suffix("").as_posix()
            about = entry.official, entry.sex, entry.part
            rows.append((stem, entry.path, entry.label, entry.speaker, *samples, *about))
        if len(rows) == _CHUNK:
            batches.append(_batch(rows))
            rows.clear()
        if progress:
            progress(done, total)
    if not (batches or rows):
        if not rejected:
            raise BenchError(f"{root}: no audio files here")
        first = rejected[0]
        raise BenchError(f"{root}: all {len(rejected)} files are rejected; the first, {first.path}: {first.reason}")
    table = pa.Table.from_batches([*batches, _batch(rows)], _SCHEMA)
    twice = _repeated(table["path"])
    if len(twice):
        raise BenchError(f"{root / twice[0].as_py()} is listed twice; list each file once")
    table = _unambiguous(table)
    clip = table["clip"]
    if not pc.all(pc.less(clip[:-1], clip[1:])).as_py():
        table = table.sort_by("clip")
    return table.to_pandas(split_blocks=True), tuple(rejected)


def _unambiguous(table: pa.Table) -> pa.Table:
    """The table with ``path`` as clip id where another clip has the same stem."""
    shared = _repeated(table["clip"])
    if not len(shared):
        return table
    ids = pc.if_else(pc.is_in(table["clip"], shared), table["path"], table["clip"])
    return table.set_column(0, "clip", ids)


def _repeated(column: pa.ChunkedArray) -> pa.Array:
    """Values that stand there more than once. In Arrow: pandas would make a Python string of every one."""
    counts = pc.value_counts(column)
    return pc.struct_field(counts, "values").filter(pc.greater(pc.struct_field(counts, "counts"), 1))


def _describe(root: Path, entry: Entry, limits: Limits) -> tuple[int, int, str]:
    if not entry.label:
        raise BenchError("has no label: it is not in a label's folder")
    if not entry.path.isprintable():
        raise BenchError(f"{root / entry.path}: its name is not printable UTF-8")
    audio, rate = read(root / entry.path, limits)
    return rate, len(audio), fingerprint(audio, rate)


def _batch(rows: Sequence[tuple[object, ...]]) -> pa.RecordBatch:
    columns = zip(*rows, strict=True) if rows else [()] * len(_SCHEMA)
    return pa.RecordBatch.from_arrays(
        [pa.array(list(column), field.type) for column, field in zip(columns, _SCHEMA, strict=True)], schema=_SCHEMA
    )

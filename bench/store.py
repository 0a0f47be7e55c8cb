"""Where predictions are kept while and after they are made: nothing lost, nothing twice, nothing stale.

A cell under way is a journal, ``NAME.part``: its key, then one JSON line per prediction. A finished cell is
``NAME.parquet`` with the key in its metadata, put in place in one step. A journal or file whose key is not the cell's
present key is discarded.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from bench.errors import BenchError
from bench.records import KEY

FACTS = b"digitbench.facts"
CHUNK = 4096
SESSIONS = "sessions.jsonl"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder. Raises BenchError when another run does."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise BenchError(
            f"another run is writing to {folder}; wait for it, or choose another folder with --out"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def session(folder: Path, key: str) -> Iterator[float]:
    """One sitting of the run ``key``, yielding when it began; its length is noted however it ends, short of a kill."""
    began = time.time()
    try:
        yield began
    finally:
        with suppress(OSError), (folder / SESSIONS).open("a") as file:  # a full disk has its own message
            file.write(json.dumps({"key": key, "began": began, "wall_s": time.time() - began}) + "\n")


def earlier_sessions(folder: Path, key: str) -> list[float]:
    """Seconds that each earlier sitting of the run ``key`` took, oldest first."""
    path = folder / SESSIONS
    seconds = []
    for line in path.read_text().splitlines() if path.exists() else []:
        with suppress(ValueError, KeyError, TypeError):  # a torn line is a sitting not known
            sitting = json.loads(line)
            if sitting["key"] == key:
                seconds.append(float(sitting["wall_s"]))
    return seconds


def finished(path: Path, key: str) -> dict[str, Any] | None:
    """The facts kept with ``path`` if it is a complete file made under ``key``, else None."""
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    return json.loads(metadata[FACTS]) if metadata.get(KEY) == key.encode() else None


def write_rows(
    path: Path, rows: Iterator[dict[str, Any]], schema: pa.Schema, key: str, facts: dict[str, Any] | None = None
) -> None:
    """Write rows as parquet in one step and in constant memory, under ``key`` and with ``facts`` about them."""
    chunks = iter(lambda: list(islice(rows, CHUNK)), [])
    write_tables(path, (pa.Table.from_pylist(chunk, schema) for chunk in chunks), schema, key, facts)


def write_tables(
    path: Path, tables: Iterator[pa.Table], schema: pa.Schema, key: str, facts: dict[str, Any] | None = None
) -> None:
    """``write_rows`` for rows that are tables already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    metadata = {KEY: key.encode(), FACTS: json.dumps(facts or {}).encode()}
    with pq.ParquetWriter(partial, schema.with_metadata(metadata), compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)
    replace_file(partial, path)


def replace_file(partial: Path, path: Path) -> None:
    """Put a finished file in place, on disk before its name is."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.replace(path)


class Journal:
    """The predictions of one cell under way. Use as a context manager."""

    def __init__(self, path: Path, key: str) -> None:
        """Opens what an interrupted run left under the same key, cut back to its last whole line; else starts anew."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file: IO[bytes] = path.open("a+b")
        header = json.dumps({"key": key}).encode() + b"\n"
        self.done = _whole_lines(self._file, header)
        """How many predictions the journal holds."""
        if self.done < 0:
            self._file.truncate(0)
            self._file.write(header)
            self._file.flush()
            self.done = 0

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def append(self, row: dict[str, Any]) -> None:
        """Add one prediction; it survives the death of this process."""
        self._file.write(json.dumps(row).encode() + b"\n")
        self._file.flush()
        self.done += 1

    def rows(self) -> Iterator[dict[str, Any]]:
        """What was appended, in order."""
        with self._path.open("rb") as lines:
            next(lines)
            for line in lines:
                yield json.loads(line)

    def discard(self) -> None:
        """Forget everything."""
        self._path.unlink(missing_ok=True)


def _whole_lines(file: IO[bytes], header: bytes) -> int:
    """Count the lines after ``header``, cutting off a torn last one; -1 when the header is another."""
    file.seek(0)
    if file.readline() != header:
        return -1
    count, end = 0, file.tell()
    for line in file:
        if not line.endswith(b"\n"):
            break
        count, end = count + 1, end + len(line)
    file.truncate(end)
    return count

"""Where predictions are kept while and after they are made: nothing lost, nothing twice, nothing stale.

A cell under way is a journal, ``NAME.part``: its key, then one JSON line per prediction, with the code it was made by
where more of that came to be known, and the line's checksum. A finished cell is ``NAME.parquet`` with the key and facts
in its metadata, put in place in one step; its pages have checksums, and so have key and facts. A journal or file whose
key is not the cell's present key, whose code has changed, or that cannot be read whole, is discarded.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

from bench.code import Code, Present
from bench.errors import BenchError
from bench.records.schema import FACTS, KEY

DIGEST = b"digitbench.sha256"
"""Metadata of a file: of its schema, key and facts, which no page's checksum covers."""
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
            line = json.dumps({"key": key, "began": began, "wall_s": time.time() - began})
            file.write(f"{line}\n")


def earlier_sessions(folder: Path, key: str) -> list[float]:
    """Seconds that each earlier sitting of the run ``key`` took, oldest first."""
    path = folder / SESSIONS
    seconds = []
    for line in path.read_bytes().splitlines() if path.is_file() else []:
        with suppress(ValueError, KeyError, TypeError):  # a torn line is a sitting not known
            sitting = json.loads(line)
            wall_s = float(sitting["wall_s"])
            if sitting["key"] == key and math.isfinite(wall_s):
                seconds.append(wall_s)
    return seconds


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a file of records that was read whole."""

    key: str
    facts: Mapping[str, Any]


def kept(path: Path) -> Kept | None:
    """Key and facts of a file, every page of which is read; None where there is no file.

    Raises BenchError, naming it, where it cannot be read whole.
    """
    if not path.exists():
        return None
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            schema = file.schema_arrow
            rows = sum(batch.num_rows for batch in file.iter_batches(CHUNK))
            if rows != file.metadata.num_rows:
                raise ValueError(f"{rows} of {file.metadata.num_rows} rows can be read")
        metadata = schema.metadata or {}
        key, facts = metadata.get(KEY, b""), metadata.get(FACTS, b"{}")
        if metadata.get(DIGEST, b"") not in (b"", _digest(schema, key, facts)):
            raise ValueError("its columns or facts are not those that were written")
        return Kept(key.decode(), json.loads(facts))
    except (OSError, pa.ArrowException, ValueError, KeyError) as error:
        raise BenchError(
            f"{path}: cannot be read whole ({' '.join(str(error).split()) or type(error).__name__})"
        ) from error


def finished(path: Path, key: str) -> Mapping[str, Any] | None:
    """The facts kept with ``path`` if it is a complete file made under ``key``, else None."""
    with suppress(BenchError):
        record = kept(path)
        return record.facts if record and record.key == key else None
    return None


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
    about = json.dumps(facts or {}).encode()
    metadata = {KEY: key.encode(), FACTS: about, DIGEST: _digest(schema, key.encode(), about)}
    with pq.ParquetWriter(
        partial, schema.with_metadata(metadata), compression="zstd", write_page_checksum=True
    ) as writer:
        for table in tables:
            writer.write_table(table)
    replace_file(partial, path)


def replace_file(partial: Path, path: Path) -> None:
    """Put a finished file in place, on disk before its name is. Raises OSError, naming a folder that stands there."""
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    try:
        partial.replace(path)
    except IsADirectoryError:
        raise IsADirectoryError(errno.EISDIR, "a folder stands where this file belongs; remove it", str(path)) from None


def holds_work(folder: Path) -> bool:
    """Whether a run's folder holds a prediction: a finished cell, or a journal with more than its header."""
    records = folder / "records"
    return any(records.rglob("*.parquet")) or any(map(_begun, (records / "predictions").glob("*.part")))


def _begun(journal: Path) -> bool:
    with journal.open("rb") as lines:
        return sum(1 for _ in islice(lines, 2)) == 2


class Journal:
    """The predictions of one cell under way. Use as a context manager."""

    def __init__(self, path: Path, key: str) -> None:
        """Opens what an interrupted run left under the same key and by the same code, up to the first line that is not
        whole; else starts anew."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file: IO[bytes] = path.open("a+b")
        self.code = Code()
        """What the predictions in it were made by."""
        self._noted = -1
        header = _line({"key": key})
        self.done = _whole_lines(self._file, header, self.code)
        """How many predictions the journal holds."""
        self.changed = Present().changed(self.code.facts()) if self.done else []
        """Code that is not the same any more, because of which it was started anew."""
        if not self.done or self.changed:
            self.code = Code()
            self._file.truncate(0)
            self._file.write(header)
            self._file.flush()
            self.done = 0

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def append(self, row: dict[str, Any], code: Code | None = None) -> None:
        """Add one prediction, by ``code`` as far as it is known; it survives the death of this process."""
        if code and code.changes != self._noted:
            self._noted = code.changes
            self.code.merge(**code.facts())
            row = {**row, "code": code.facts()}
        self._file.write(_line(row))
        self._file.flush()
        self.done += 1

    def rows(self) -> Iterator[dict[str, Any]]:
        """What was appended, in order."""
        with self._path.open("rb") as lines:
            next(lines)
            for line in lines:
                row = _parsed(line)
                if row is None:
                    raise BenchError(f"{self._path}: changed while the run went on; start the run again")
                row.pop("code", None)
                yield row

    def discard(self) -> None:
        """Forget everything."""
        self._path.unlink(missing_ok=True)


def _whole_lines(file: IO[bytes], header: bytes, code: Code) -> int:
    """Count the whole lines after ``header``, cutting off what follows, and take in their code; 0 if it is another."""
    file.seek(0)
    if file.readline() != header:
        return 0
    count, end = 0, file.tell()
    for line in file:
        row = _parsed(line)
        if row is None:
            break
        if "code" in row:
            code.merge(**row["code"])
        count, end = count + 1, end + len(line)
    file.truncate(end)
    return count


def _line(content: dict[str, Any]) -> bytes:
    text = json.dumps(content).encode()
    return b"%s %08x\n" % (text, zlib.crc32(text))


def _parsed(line: bytes) -> dict[str, Any] | None:
    """What a line of a journal says; None where it is not as it was written."""
    text, _, checksum = line.rpartition(b" ")
    if checksum != b"%08x\n" % zlib.crc32(text):
        return None
    content: dict[str, Any] = json.loads(text)
    return content


def _digest(schema: pa.Schema, key: bytes, facts: bytes) -> bytes:
    # Parquet gives the items of a list, and those of a map, names of its own.
    columns = [
        f"{column.name}: {column.type}".replace("<item:", "<element:").replace(f" ('{column.name}')>", ">")
        for column in schema
    ]
    return hashlib.sha256(b"\0".join((*map(str.encode, columns), key, facts))).hexdigest().encode()

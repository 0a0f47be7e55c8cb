"""Measurements that take long: a JSON object a line, appended as they are made, so that the next run goes on.

What is finished may be packed: ``FILE.gz`` beside ``FILE`` holds its first lines.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.records.journal import replace_file


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Objects of a file, packed ones first, none where there is none; a last line that was cut short is left out, and
    cut off.

    Raises BenchError for any other line that is no JSON object, and for a packed file that is damaged.
    """
    rows = _packed(path)
    if not path.exists():
        return rows
    packed = {json.dumps(row) for row in rows}  # a kill after packing, before the file goes, leaves both
    whole, cut = path.read_bytes(), 0
    for number, line in enumerate(whole.splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            break
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("no object")
        except ValueError as error:
            raise BenchError(f"{path}, line {number}: {error}; delete the file to measure anew") from error
        if json.dumps(row) not in packed:
            rows.append(row)
        cut += len(line)
    if cut < len(whole):
        path.write_bytes(whole[:cut])
    return rows


def pack_lines(path: Path) -> None:
    """Move the lines of a file to ``FILE.gz``, the same bytes for the same lines."""
    if rows := read_lines(path):
        content = "".join(json.dumps(row) + "\n" for row in rows)
        partial = _gz(path).with_suffix(".part")
        partial.write_bytes(gzip.compress(content.encode(), mtime=0))
        replace_file(partial, _gz(path))
        path.unlink(missing_ok=True)


def _packed(path: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in gzip.decompress(_gz(path).read_bytes()).splitlines()]
    except FileNotFoundError:
        return []
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise BenchError(f"{_gz(path)}: {error}; delete the file to measure anew") from error


def _gz(path: Path) -> Path:
    return path.with_name(f"{path.name}.gz")


def append_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write more of them, after :func:`read_lines` saw to the end of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)

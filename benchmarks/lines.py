"""Measurements that take long: a JSON object a line, appended as they are made, so that the next run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.errors import BenchError


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Objects of a file, none where there is none; a last line that was cut short is left out, and cut off.

    Raises BenchError for any other line that is no JSON object.
    """
    if not path.exists():
        return []
    whole, cut = path.read_bytes(), 0
    rows = []
    for number, line in enumerate(whole.splitlines(keepends=True), 1):
        if not line.endswith(b"\n"):
            break
        try:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("no object")
        except ValueError as error:
            raise BenchError(f"{path}, line {number}: {error}; delete the file to measure anew") from error
        rows.append(row)
        cut += len(line)
    if cut < len(whole):
        path.write_bytes(whole[:cut])
    return rows


def append_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write more of them, after :func:`read_lines` saw to the end of the file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)

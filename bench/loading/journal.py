"""What was measured, line by line as it is done, so that Ctrl-C costs one step and the same command goes on."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd


class Journal:
    """Rows of three tables, kept step by step. A last line that was cut off is as if not written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._done = set[str]()
        whole = path.read_bytes().rpartition(b"\n")[0] if path.exists() else b""
        if path.exists():
            path.write_bytes(whole + b"\n" if whole else b"")
        for line in whole.splitlines():
            self._take(json.loads(line))

    def __contains__(self, step: str) -> bool:
        return step in self._done

    def __len__(self) -> int:
        return len(self._done)

    def keep(self, step: str, table: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write down what a step found."""
        line = {"step": step, "table": table, "rows": list(rows)}
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self._take(line)

    def table(self, name: str) -> pd.DataFrame:
        """All rows of a table."""
        return pd.DataFrame(self._rows.get(name, []))

    def _take(self, line: dict[str, Any]) -> None:
        self._done.add(line["step"])
        self._rows.setdefault(line["table"], []).extend(line["rows"])

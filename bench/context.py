"""What the functions of a run share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.cells import Cell, Known
from bench.clips import Clip, Clips, Rows
from bench.code import Code
from bench.conditions import Treatments
from bench.names import CLEAN, file_name
from bench.progress import Reporter
from bench.tasks.base import Task


@dataclass(frozen=True, slots=True)
class Context:
    """Where a run reads and writes, what it asks, and whom it tells."""

    folder: Path
    clips: Clips
    task: Task
    reporter: Reporter
    treatments: Treatments
    """How clips are changed."""
    code: Code = field(default_factory=Code, compare=False)
    """What the workers of a phase ran."""

    def log(self, backend: Known) -> Path:
        """What the backend printed."""
        return self.folder / "logs" / f"{file_name(backend.name)}.log"

    def model(self, cell: Cell) -> Path:
        """The model fitted in a cell."""
        return self.folder / "models" / f"{file_name(cell.backend.name)}-{cell.key[:12]}.model"

    def tested(self, rows: Rows, condition: str = CLEAN, check: bool = False) -> Iterator[Clip]:
        """Clips under a condition; with ``check``, what is there already is read again."""
        return self.treatments.tested(condition, self.clips.at(rows), check)

    def learned(self, rows: Rows, copies: Sequence[str] = ()) -> Iterator[Clip]:
        """Training clips, and the kinds of copies that are wanted."""
        yield from self.clips.at(rows)
        for kind in copies:
            yield from self.treatments.copies(kind, self.clips.at(rows))

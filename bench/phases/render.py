"""Changed clips, made before any worker hears them: no clock runs meanwhile, and all backends hear the same."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.cells import Cell
from bench.clips import Clips
from bench.conditions import Resources, Voice, parse
from bench.conditions.training import COPIES
from bench.context import Context
from bench.names import CLEAN


def resources(conditions: Sequence[str], tested: Clips) -> Resources:
    """What the conditions draw on; babble is made of the clips that are ``tested``."""
    babbled = any(parse(name).name.lower() == "babble" for name in conditions)
    listed = tested.all() if babbled else ()
    return Resources.find(tuple(Voice(Path(clip.path), clip.speaker, clip.sha256) for clip in listed))


def render(waiting: list[Cell], context: Context) -> None:
    """Change clips for the cells that are to be predicted."""
    tested: dict[str, set[int]] = {}
    for cell in waiting:
        if cell.condition != CLEAN:
            tested.setdefault(cell.condition, set()).update(cell.rows)
    learned: dict[str, set[int]] = {}
    for cell in waiting:
        for kind in cell.backend.copies if cell.fold else ():
            learned.setdefault(kind, set()).update(cell.fold.train if cell.fold else ())
    total = sum(map(len, tested.values())) + COPIES * sum(map(len, learned.values()))
    with context.reporter.task("conditions", total) as advance:
        for condition, rows in tested.items():
            for _ in context.tested(np.array(sorted(rows)), condition, check=True):
                advance(1)
        for kind, rows in learned.items():
            for _ in context.treatments.copies(kind, context.clips.at(np.array(sorted(rows))), check=True):
                advance(1)

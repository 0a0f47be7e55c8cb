"""The accuracy phase: every cell predicted, several workers at once, each prediction written down as it is made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pandas as pd

from bench.conditions import Treatments
from bench.corpora.base import Folders
from bench.plan import Cell, Known, entries, file_name
from bench.process import Worker, WorkerError
from bench.progress import Reporter
from bench.records import CLEAN, PREDICTIONS
from bench.splits import Rows
from bench.store import Journal, finished, write_rows

CHUNK = 200
KEPT = ("clip", "predicted", "text", "scores", "resample_s", "predict_s")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a cell ended. ``busy_s`` is what the backend itself took: load, fit and predict."""

    cell: Cell
    reason: str = ""
    busy_s: float = 0.0
    fit_s: float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run reads and writes."""

    folder: Path
    audio: Folders
    treatments: Treatments | None = None
    """How clips are changed, where they are."""

    def log(self, backend: Known) -> Path:
        """What the backend printed."""
        return self.folder / "logs" / f"{file_name(backend.name)}.log"

    def model(self, cell: Cell) -> Path:
        """The model fitted in a cell."""
        return self.folder / "models" / f"{file_name(cell.backend.name)}-{cell.key[:12]}.model"

    def heard(self, clips: pd.DataFrame, rows: Rows, condition: str = CLEAN) -> Iterator[dict[str, Any]]:
        """Clips as a worker is told of them, under a condition."""
        plain = entries(clips, rows, self.audio)
        return plain if self.treatments is None else self.treatments.heard(condition, plain)

    def learnt(self, clips: pd.DataFrame, rows: Rows, noisy: bool) -> Iterator[dict[str, Any]]:
        """Training clips as a worker is told of them, with noisy copies where they are wanted."""
        yield from entries(clips, rows, self.audio)
        if noisy and self.treatments:
            yield from self.treatments.noisy(entries(clips, rows, self.audio))


def predict_all(
    cells: list[Cell], clips: pd.DataFrame, place: Place, jobs: int, reporter: Reporter
) -> Iterator[Outcome]:
    """Run the cells, most clips first, ``jobs`` workers at once; yields each outcome as it comes.

    Leaving early (an exception, Ctrl-C) stops the workers; what was predicted stays in the journals.
    """
    kept = {cell.key for cell in first_cells(cells).values()}
    stop = Event()
    pool = ThreadPoolExecutor(jobs)
    queue = sorted(_shared_fits(cells), key=lambda group: -sum(len(cell.rows) for cell in group))
    running = [pool.submit(_all, group, clips, place, kept, stop, reporter) for group in queue]
    try:
        for future in as_completed(running):
            yield from future.result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _shared_fits(cells: list[Cell]) -> list[list[Cell]]:
    """Cells that one worker does: all conditions of a fold, which one fit serves; a zero-shot cell is on its own."""
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in cells:
        fold = (cell.fold.split, cell.fold.name) if cell.fold else cell.condition
        groups.setdefault((cell.backend.name, fold), []).append(cell)
    return list(groups.values())


def first_cells(cells: list[Cell]) -> dict[str, Cell]:
    """The first cell of every trained backend: its model is saved, for the phases that measure time."""
    return {cell.backend.name: cell for cell in reversed(cells) if cell.backend.trained}


def _all(
    cells: list[Cell], clips: pd.DataFrame, place: Place, kept: set[str], stop: Event, reporter: Reporter
) -> list[Outcome]:
    """Cells of one backend and fold, in one worker; what ends it ends those that were still to come."""
    models = {cell.key: place.model(cell) for cell in cells if cell.key in kept}
    done: dict[str, Outcome] = {}
    for cell in cells:
        facts = finished(place.folder / cell.file, cell.key)
        if facts is not None and (cell.key not in models or models[cell.key].exists()):
            done[cell.key] = Outcome(cell, "", **facts)
    waiting = [cell for cell in cells if cell.key not in done]
    if waiting:
        began = {"busy_s": 0.0, "fit_s": None}
        try:
            with Worker(cells[0].backend.job, place.log(cells[0].backend), threads=1, stop=stop) as worker:
                began = _begin(worker, waiting[0], clips, place, next(iter(models.values()), None))
                for cell in waiting:
                    facts = _predicted(worker, cell, clips, place, began, reporter)
                    done[cell.key] = Outcome(cell, "", **facts)
                    began = {"busy_s": 0.0, "fit_s": None}
        except WorkerError as failure:
            done |= {cell.key: Outcome(cell, str(failure)) for cell in waiting if cell.key not in done}
    return [done[cell.key] for cell in cells]


def _begin(worker: Worker, cell: Cell, clips: pd.DataFrame, place: Place, model: Path | None) -> dict[str, Any]:
    """Load and fit; returns how long the backend itself took."""
    worker.ask("create")
    load_s = worker.ask("load")["load_s"]
    if cell.fold is None:
        return {"busy_s": load_s, "fit_s": None}
    fit_s = fit(worker, clips, cell.fold.train, cell.fold.validation, place, cell.backend.noisy)
    if model:
        model.parent.mkdir(parents=True, exist_ok=True)
        worker.ask("save", path=str(model))
    return {"busy_s": load_s + fit_s, "fit_s": fit_s}


def _predicted(
    worker: Worker, cell: Cell, clips: pd.DataFrame, place: Place, began: dict[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Predict what is missing and write the cell down; returns how long the backend itself took."""
    path = place.folder / cell.file
    journal = Journal(path.with_suffix(".part"), cell.key)
    if cell.backend.trained and journal.done:
        # Half of one fit and half of another would be a model that never was.
        journal.discard()
        journal = Journal(path.with_suffix(".part"), cell.key)
    with journal, reporter.task(cell.title, len(cell.rows)) as advance:
        advance(journal.done)
        for reply in predict(worker, clips, cell.rows[journal.done :], place, cell.condition):
            journal.append({name: reply[name] for name in KEPT})
            advance(1)
        predict_s = sum(row["resample_s"] + row["predict_s"] for row in journal.rows())
        facts = {**began, "busy_s": began["busy_s"] + predict_s}
        write_rows(path, _rows(cell, clips, place, journal), PREDICTIONS, cell.key, facts)
    journal.discard()
    return facts


def fit(worker: Worker, clips: pd.DataFrame, train: Rows, validation: Rows, place: Place, noisy: bool = False) -> float:
    """Fit a worker's backend; returns seconds. Raises WorkerError."""
    with TemporaryDirectory() as folder:
        lists = {"clips": place.learnt(clips, train, noisy)}
        if len(validation):
            lists["validation"] = place.heard(clips, validation)
        files = {name: _list_file(Path(folder) / name, listed) for name, listed in lists.items()}
        return float(worker.ask("fit", **files)["fit_s"])


def predict(
    worker: Worker, clips: pd.DataFrame, rows: Rows, place: Place, condition: str = CLEAN
) -> Iterator[dict[str, Any]]:
    """Stream predictions of the rows, asked for in chunks so that memory stays flat. Raises WorkerError."""
    waiting = place.heard(clips, rows, condition)
    while chunk := list(islice(waiting, CHUNK)):
        yield from worker.stream("predict", clips=chunk)


def _list_file(path: Path, listed: Iterator[dict[str, Any]]) -> str:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(entry) + "\n" for entry in listed)
    return str(path)


def _rows(cell: Cell, clips: pd.DataFrame, place: Place, journal: Journal) -> Iterator[dict[str, Any]]:
    """The journal's predictions with what the parent knows of each clip."""
    fixed = {
        "backend": cell.backend.name,
        "condition": cell.condition,
        "split": cell.fold.split if cell.fold else None,
        "fold": cell.fold.name if cell.fold else None,
    }
    for known, row in zip(entries(clips, cell.rows, place.audio), journal.rows(), strict=True):
        if known["clip"] != row["clip"]:
            raise AssertionError(f"{cell.title}: prediction of {row['clip']} where {known['clip']} was asked for")
        yield {**fixed, **row, "label": known["label"], "speaker": known["speaker"]}

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

from bench.corpora.base import Folders
from bench.plan import Cell, Known, entries, file_name
from bench.process import Worker, WorkerError
from bench.progress import Advance, Reporter
from bench.records import PREDICTIONS
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

    def log(self, backend: Known) -> Path:
        """What the backend printed."""
        return self.folder / "logs" / f"{file_name(backend.name)}.log"

    def model(self, cell: Cell) -> Path:
        """The model fitted in a cell."""
        return self.folder / "models" / f"{file_name(cell.backend.name)}-{cell.key[:12]}.model"


def predict_all(
    cells: list[Cell], clips: pd.DataFrame, place: Place, jobs: int, reporter: Reporter
) -> Iterator[Outcome]:
    """Run the cells, most clips first, ``jobs`` workers at once; yields each outcome as it comes.

    Leaving early (an exception, Ctrl-C) stops the workers; what was predicted stays in the journals.
    """
    kept = {cell.key for cell in first_cells(cells).values()}
    stop = Event()
    pool = ThreadPoolExecutor(jobs)
    queue = sorted(cells, key=lambda cell: -len(cell.rows))
    running = [pool.submit(_one, cell, clips, place, cell.key in kept, stop, reporter) for cell in queue]
    try:
        for future in as_completed(running):
            yield future.result()
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def first_cells(cells: list[Cell]) -> dict[str, Cell]:
    """The first cell of every trained backend: its model is saved, for the phases that measure time."""
    return {cell.backend.name: cell for cell in reversed(cells) if cell.backend.trained}


def _one(cell: Cell, clips: pd.DataFrame, place: Place, keep: bool, stop: Event, reporter: Reporter) -> Outcome:
    path = place.folder / cell.file
    model = place.model(cell) if keep else None
    facts = finished(path, cell.key)
    if facts is not None and (model is None or model.exists()):
        return Outcome(cell, "", **facts)
    journal = Journal(path.with_suffix(".part"), cell.key)
    if cell.backend.trained and journal.done:
        # Half of one fit and half of another would be a model that never was.
        journal.discard()
        journal = Journal(path.with_suffix(".part"), cell.key)
    with journal, reporter.task(cell.title, len(cell.rows)) as advance:
        advance(journal.done)
        try:
            facts = _work(cell, clips, place, journal, model, stop, advance)
        except WorkerError as failure:
            return Outcome(cell, str(failure))
        write_rows(path, _rows(cell, clips, place, journal), PREDICTIONS, cell.key, facts)
    journal.discard()
    return Outcome(cell, "", **facts)


def _work(
    cell: Cell, clips: pd.DataFrame, place: Place, journal: Journal, model: Path | None, stop: Event, advance: Advance
) -> dict[str, Any]:
    """Fit and predict what is missing; returns how long the backend itself took."""
    fit_s = None
    with Worker(cell.backend.job, place.log(cell.backend), threads=1, stop=stop) as worker:
        worker.ask("create")
        load_s = worker.ask("load")["load_s"]
        if cell.fold:
            fit_s = fit(worker, clips, cell.fold.train, cell.fold.validation, place.audio)
            if model:
                model.parent.mkdir(parents=True, exist_ok=True)
                worker.ask("save", path=str(model))
        for reply in predict(worker, clips, cell.rows[journal.done :], place.audio):
            journal.append({name: reply[name] for name in KEPT})
            advance(1)
    predict_s = sum(row["resample_s"] + row["predict_s"] for row in journal.rows())
    return {"busy_s": load_s + (fit_s or 0.0) + predict_s, "fit_s": fit_s}


def fit(worker: Worker, clips: pd.DataFrame, train: Rows, validation: Rows, audio: Folders) -> float:
    """Fit a worker's backend; returns seconds. Raises WorkerError."""
    with TemporaryDirectory() as folder:
        lists = {"clips": train, "validation": validation} if len(validation) else {"clips": train}
        files = {name: _list_file(Path(folder) / name, entries(clips, rows, audio)) for name, rows in lists.items()}
        return float(worker.ask("fit", **files)["fit_s"])


def predict(worker: Worker, clips: pd.DataFrame, rows: Rows, audio: Folders) -> Iterator[dict[str, Any]]:
    """Stream predictions of the rows, asked for in chunks so that memory stays flat. Raises WorkerError."""
    waiting = entries(clips, rows, audio)
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

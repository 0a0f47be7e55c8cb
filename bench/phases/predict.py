"""The accuracy phase: every cell predicted, several workers at once, each prediction written down as it is made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

import pandas as pd

from bench.cells import Cell, Known, entries, file_name
from bench.code import UNKNOWN, Code, Present, sha256
from bench.conditions import Treatments
from bench.corpora.base import Folders
from bench.errors import BenchError
from bench.processor import describe_processor, kind
from bench.progress import Reporter
from bench.records.journal import Journal, kept, write_rows
from bench.records.schema import CLEAN, PREDICTIONS
from bench.splits import Rows
from bench.workers.parent import Worker, WorkerError
from bench.workers.ready import ready

CHUNK = 200
Facts = Mapping[str, Any]
KEPT = ("clip", "predicted", "text", "scores", "resample_s", "predict_s")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a cell ended. ``busy_s`` is what the backend itself took: load, fit and predict."""

    cell: Cell
    reason: str = ""
    busy_s: float = 0.0
    fit_s: float | None = None
    code: Facts = field(default_factory=dict)
    """What the worker ran: modules and packages, see :class:`bench.code.Code`."""
    processor: str = ""
    """What it was predicted on (:func:`bench.processor.kind`), where that is known."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run reads and writes."""

    folder: Path
    audio: Folders
    treatments: Treatments | None = None
    """How clips are changed, where they are."""
    code: Code = field(default_factory=Code, compare=False)
    """What the workers of a phase ran."""

    def log(self, backend: Known) -> Path:
        """What the backend printed."""
        return self.folder / "logs" / f"{file_name(backend.name)}.log"

    def model(self, cell: Cell) -> Path:
        """The model fitted in a cell."""
        return self.folder / "models" / f"{file_name(cell.backend.name)}-{cell.key[:12]}.model"

    def heard(
        self, clips: pd.DataFrame, rows: Rows, condition: str = CLEAN, check: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Clips as a worker is told of them, under a condition; with ``check``, what is there already is read again."""
        plain = entries(clips, rows, self.audio)
        return plain if self.treatments is None else self.treatments.heard(condition, plain, check)

    def learnt(self, clips: pd.DataFrame, rows: Rows, noisy: bool) -> Iterator[dict[str, Any]]:
        """Training clips as a worker is told of them, with noisy copies where they are wanted."""
        yield from entries(clips, rows, self.audio)
        if noisy and self.treatments:
            yield from self.treatments.noisy(entries(clips, rows, self.audio))


def taken_over(cells: list[Cell], place: Place, reporter: Reporter) -> dict[str, Facts]:
    """By key, the facts of the cells whose records hold; of those that do not, it is said why.

    They hold where they can be read whole, were made under the cell's key by code that is the same now, and the model
    that was saved with them is there as it was.
    """
    models = {cell.key: place.model(cell) for cell in first_cells(cells).values()}
    present, held, why = Present(), {}, Counter[str]()
    for cell in cells:
        path = place.folder / cell.file
        try:
            found = kept(path)
        except BenchError as error:
            reporter.say(f"{error}; it is made anew")
            continue
        if found is None:
            continue
        changed = present.changed(found.facts)
        if found.key == cell.key and not changed:
            if cell.key not in models or _same(models[cell.key], found.facts.get("model")):
                held[cell.key] = found.facts
                path.with_suffix(".part").unlink(missing_ok=True)  # a kill may come before a finished journal goes
            else:
                reporter.say(f"{models[cell.key]}: not the model that was fitted for {cell.title}; it is made anew")
        elif changed == [UNKNOWN] or found.key == cell.key:
            why[", ".join(changed)] += 1
    for what, count in why.items():
        reporter.say(f"{count:,} {'file' if count == 1 else 'files'} of predictions made anew, because of {what}")
    return held


def _same(path: Path, noted: object) -> bool:
    return path.is_file() and sha256(path) == noted


def predict_all(
    cells: list[Cell],
    held: Mapping[str, Facts],
    clips: pd.DataFrame,
    place: Place,
    jobs: int,
    reporter: Reporter,
) -> Iterator[Outcome]:
    """Run the cells that are not ``held`` (:func:`taken_over`), most clips first, ``jobs`` workers at once; yields each
    outcome as it comes.

    Leaving early (an exception, Ctrl-C) stops the workers; what was predicted stays in the journals.
    """
    saved = {cell.key for cell in first_cells(cells).values()}
    stop = Event()
    pool = ThreadPoolExecutor(jobs)
    queue = sorted(_shared_fits(cells), key=lambda group: -sum(len(cell.rows) for cell in group))
    running = [pool.submit(_all, group, held, clips, place, saved, stop, reporter) for group in queue]
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
    cells: list[Cell],
    held: Mapping[str, Facts],
    clips: pd.DataFrame,
    place: Place,
    saved: set[str],
    stop: Event,
    reporter: Reporter,
) -> list[Outcome]:
    """Cells of one backend and fold, in one worker; what ends it ends those that were still to come."""
    done = {cell.key: _outcome(cell, held[cell.key]) for cell in cells if cell.key in held}
    waiting = [cell for cell in cells if cell.key not in done]
    if waiting:
        try:
            backend = cells[0].backend
            with ready(backend.job, place.log(backend), threads=1, stop=stop) as (worker, facts):
                model = next((place.model(cell) for cell in waiting if cell.key in saved), None)
                began = _fitted(worker, facts["load_s"], waiting[0], clips, place, model, reporter)
                for cell in waiting:
                    done[cell.key] = _outcome(cell, _predicted(worker, cell, clips, place, began, reporter))
                    began = {"busy_s": 0.0, "fit_s": None}
        except WorkerError as failure:
            done |= {cell.key: Outcome(cell, str(failure)) for cell in waiting if cell.key not in done}
    return [done[cell.key] for cell in cells]


def _outcome(cell: Cell, facts: Facts) -> Outcome:
    code = {part: facts[part] for part in ("modules", "packages")}
    return Outcome(cell, "", facts["busy_s"], facts["fit_s"], code, facts.get("processor", ""))


def _fitted(
    worker: Worker, load_s: float, cell: Cell, clips: pd.DataFrame, place: Place, model: Path | None, reporter: Reporter
) -> dict[str, Any]:
    """Fit what learns; returns how long the backend itself took, and the sha256 of the model where one is saved."""
    if cell.fold is None:
        return {"busy_s": load_s, "fit_s": None}
    with reporter.wait(f"fitting {cell.backend.name} {cell.fold.split} {cell.fold.name}"):
        fit_s = fit(worker, clips, cell.fold.train, cell.fold.validation, place, cell.backend.noisy)
    took = {"busy_s": load_s + fit_s, "fit_s": fit_s}
    if model is None:
        return took
    model.parent.mkdir(parents=True, exist_ok=True)
    worker.ask("save", path=str(model))
    return {**took, "model": sha256(model)}


def _predicted(
    worker: Worker, cell: Cell, clips: pd.DataFrame, place: Place, began: dict[str, Any], reporter: Reporter
) -> dict[str, Any]:
    """Predict what is missing and write the cell down; returns the facts about it."""
    path = place.folder / cell.file
    journal = Journal(path.with_suffix(".part"), cell.key)
    if journal.changed:
        reporter.say(f"{cell.title}: begun anew, because of {', '.join(journal.changed)}")
    if cell.backend.trained and journal.done:
        # Half of one fit and half of another would be a model that never was.
        journal.discard()
        journal = Journal(path.with_suffix(".part"), cell.key)
    with journal, reporter.task(cell.title, len(cell.rows)) as advance:
        advance(journal.done)
        for reply in predict(worker, clips, cell.rows[journal.done :], place, cell.condition):
            journal.append({name: reply[name] for name in KEPT}, worker.code)
            advance(1)
        predict_s = sum(row["resample_s"] + row["predict_s"] for row in journal.rows())
        journal.code.merge(**worker.code.facts())
        own = {"busy_s": began["busy_s"] + predict_s, "processor": kind(describe_processor())}
        facts = {**began, **own, **journal.code.facts()}
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

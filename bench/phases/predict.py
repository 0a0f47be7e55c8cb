"""The accuracy phase: every cell predicted, several workers at once, each prediction written down as it is made."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from typing import Any

from bench.cells import Cell
from bench.clips import Clip, Rows, told
from bench.code import UNKNOWN, Present, sha256
from bench.context import Context
from bench.errors import BenchError
from bench.names import CLEAN
from bench.processor import describe_processor, kind
from bench.records.journal import Journal, kept, write_rows
from bench.records.schema import PREDICTIONS
from bench.workers.parent import Worker, WorkerError
from bench.workers.ready import ready

CHUNK = 200
Facts = Mapping[str, Any]
KEPT = ("clip", "label", "text", "scores", "facts", "resample_s", "predict_s")


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


def taken_over(cells: list[Cell], context: Context) -> dict[str, Facts]:
    """By key, the facts of the cells whose records hold; of those that do not, it is said why.

    They hold where they can be read whole, were made under the cell's key by code that is the same now, and the model
    that was saved with them is there as it was.
    """
    models = {cell.key: context.model(cell) for cell in first_cells(cells).values()}
    present, held, why = Present(), {}, Counter[str]()
    for cell in cells:
        path = context.folder / cell.file
        try:
            found = kept(path)
        except BenchError as error:
            context.reporter.say(f"{error}; it is made anew")
            continue
        if found is None:
            continue
        changed = present.changed(found.facts)
        if found.key == cell.key and not changed:
            if cell.key not in models or _same(models[cell.key], found.facts.get("model")):
                held[cell.key] = found.facts
                path.with_suffix(".part").unlink(missing_ok=True)  # a kill may come before a finished journal goes
            else:
                context.reporter.say(
                    f"{models[cell.key]}: not the model that was fitted for {cell.title}; it is made anew"
                )
        elif changed == [UNKNOWN] or found.key == cell.key:
            why[", ".join(changed)] += 1
    for what, count in why.items():
        context.reporter.say(
            f"{count:,} {'file' if count == 1 else 'files'} of predictions made anew, because of {what}"
        )
    return held


def _same(path: Path, noted: object) -> bool:
    return path.is_file() and sha256(path) == noted


def predict_all(
    cells: list[Cell],
    held: Mapping[str, Facts],
    context: Context,
    jobs: int,
) -> Iterator[Outcome]:
    """Run the cells that are not ``held`` (:func:`taken_over`), most clips first, ``jobs`` workers at once; yields each
    outcome as it comes.

    Leaving early (an exception, Ctrl-C) stops the workers; what was predicted stays in the journals.
    """
    saved = {cell.key for cell in first_cells(cells).values()}
    stop = Event()
    pool = ThreadPoolExecutor(jobs)
    queue = sorted(_shared_fits(cells), key=lambda group: -sum(len(cell.rows) for cell in group))
    running = [pool.submit(_all, group, held, context, saved, stop) for group in queue]
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
    context: Context,
    saved: set[str],
    stop: Event,
) -> list[Outcome]:
    """Cells of one backend and fold, in one worker; what ends it ends those that were still to come."""
    done = {cell.key: _outcome(cell, held[cell.key]) for cell in cells if cell.key in held}
    waiting = [cell for cell in cells if cell.key not in done]
    if waiting:
        try:
            backend = cells[0].backend
            with ready(backend.job, context.log(backend), threads=1, stop=stop) as (worker, facts):
                model = next((context.model(cell) for cell in waiting if cell.key in saved), None)
                began = _fitted(worker, facts["load_s"], waiting[0], context, model)
                for cell in waiting:
                    done[cell.key] = _outcome(cell, _predicted(worker, cell, context, began))
                    began = {"busy_s": 0.0, "fit_s": None}
        except WorkerError as failure:
            done |= {cell.key: Outcome(cell, str(failure)) for cell in waiting if cell.key not in done}
    return [done[cell.key] for cell in cells]


def _outcome(cell: Cell, facts: Facts) -> Outcome:
    code = {part: facts[part] for part in ("modules", "packages")}
    return Outcome(cell, "", facts["busy_s"], facts["fit_s"], code, facts.get("processor", ""))


def _fitted(worker: Worker, load_s: float, cell: Cell, context: Context, model: Path | None) -> dict[str, Any]:
    """Fit what learns; returns how long the backend itself took, and the sha256 of the model where one is saved."""
    if cell.fold is None:
        return {"busy_s": load_s, "fit_s": None}
    with context.reporter.wait(f"fitting {cell.backend.name} {cell.fold.split} {cell.fold.name}"):
        fit_s = fit(worker, context, cell.fold.train, cell.fold.validation, cell.backend.copies)
    took = {"busy_s": load_s + fit_s, "fit_s": fit_s}
    if model is None:
        return took
    model.parent.mkdir(parents=True, exist_ok=True)
    worker.ask("save", path=str(model))
    return {**took, "model": sha256(model)}


def _predicted(worker: Worker, cell: Cell, context: Context, began: dict[str, Any]) -> dict[str, Any]:
    """Predict what is missing and write the cell down; returns the facts about it."""
    path = context.folder / cell.file
    journal = Journal(path.with_suffix(".part"), cell.key)
    if journal.changed:
        context.reporter.say(f"{cell.title}: begun anew, because of {', '.join(journal.changed)}")
    if cell.backend.trained and journal.done:
        # Half of one fit and half of another would be a model that never was.
        journal.discard()
        journal = Journal(path.with_suffix(".part"), cell.key)
    with journal, context.reporter.task(cell.title, len(cell.rows)) as advance:
        advance(journal.done)
        for reply in predict(worker, context, cell.rows[journal.done :], cell.condition):
            journal.append({name: reply[name] for name in KEPT}, worker.code)
            advance(1)
        predict_s = sum(row["resample_s"] + row["predict_s"] for row in journal.rows())
        journal.code.merge(**worker.code.facts())
        own = {"busy_s": began["busy_s"] + predict_s, "processor": kind(describe_processor())}
        facts = {**began, **own, **journal.code.facts()}
        write_rows(path, _rows(cell, journal), PREDICTIONS, cell.key, facts)
    journal.discard()
    return facts


def fit(worker: Worker, context: Context, train: Rows, validation: Rows, copies: Sequence[str] = ()) -> float:
    """Fit a worker's backend; returns seconds. Raises WorkerError."""
    with TemporaryDirectory() as folder:
        lists = {"clips": context.learned(train, copies)}
        if len(validation):
            lists["validation"] = context.tested(validation)
        files = {name: _list_file(Path(folder) / name, listed) for name, listed in lists.items()}
        return float(worker.ask("fit", **files)["fit_s"])


def predict(worker: Worker, context: Context, rows: Rows, condition: str = CLEAN) -> Iterator[dict[str, Any]]:
    """Stream predictions of the rows, asked for in chunks so that memory stays flat. Raises WorkerError."""
    waiting = context.tested(rows, condition)
    while chunk := list(islice(waiting, CHUNK)):
        yield from worker.stream("predict", clips=told(chunk))


def _list_file(path: Path, listed: Iterator[Clip]) -> str:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(told([clip])[0]) + "\n" for clip in listed)
    return str(path)


def _rows(cell: Cell, journal: Journal) -> Iterator[dict[str, Any]]:
    """The journal's predictions, each with the cell it is of."""
    fixed = {
        "backend": cell.backend.name,
        "condition": cell.condition,
        "split": cell.fold.split if cell.fold else None,
        "fold": cell.fold.name if cell.fold else None,
    }
    return ({**fixed, **row} for row in journal.rows())

"""Backends that learn what they should not: what a run looks for in each of them, by default.

Training is handed training clips alone and each fold has a process of its own, so test clips can leak in three ways
only, and each has a check: the order clips are heard in (a backend that adapts to what it is tested on), a fit that
remembers an earlier one, and labels known from elsewhere (permuted training labels must fall to chance).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.accuracy import Place, fit, predict
from bench.plan import Cell
from bench.process import Worker
from bench.splits import Rows

TRAIN_CLIPS, TEST_CLIPS, ORDER_CLIPS = 400, 100, 12
LUCK = 1e-4
"""How rarely an honest backend may fail the permuted-labels check."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question put to one backend, and the answer."""

    backend: str
    check: str
    passed: bool
    detail: str


def check_backend(cell: Cell, model: str | None, clips: pd.DataFrame, place: Place, seed: int) -> Iterator[Check]:
    """All checks that apply, in fresh processes. Raises WorkerError."""
    yield _order(cell, model, clips, place, seed)
    if cell.fold:
        yield from _training(cell, clips, place, seed)


def _order(cell: Cell, model: str | None, clips: pd.DataFrame, place: Place, seed: int) -> Check:
    rows = _draw(cell.rows, ORDER_CLIPS, seed)
    with Worker(cell.backend.job, place.log(cell.backend), threads=1) as worker:
        worker.ask("create")
        worker.ask("load", **({"model": model} if model else {}))
        forwards = _heard(worker, clips, rows, place)
        backwards = _heard(worker, clips, rows[::-1], place)
    differ = [clip for clip in forwards if forwards[clip] != backwards[clip]]
    detail = f"{len(differ)} of {len(rows)} clips heard otherwise in reverse order"
    return Check(cell.backend.name, "order", not differ, detail)


def _training(cell: Cell, clips: pd.DataFrame, place: Place, seed: int) -> Iterator[Check]:
    from scipy.stats import binom

    assert cell.fold is not None
    train, test = _draw(cell.fold.train, TRAIN_CLIPS, seed), _draw(cell.rows, TEST_CLIPS, seed)
    permuted = _permuted(clips, train, seed)
    nothing = train[:0]
    with Worker(cell.backend.job, place.log(cell.backend), threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
        fit(worker, permuted, train, nothing, place.audio)
        guesses = _heard(worker, clips, test, place)
        fit(worker, clips, train, nothing, place.audio)
        second = _heard(worker, clips, test, place)
    with Worker(cell.backend.job, place.log(cell.backend), threads=1) as worker:
        worker.ask("create")
        worker.ask("load")
        fit(worker, clips, train, nothing, place.audio)
        fresh = _heard(worker, clips, test, place)
    tested = clips.iloc[test]
    labels = tested["label"]
    right = sum(guesses[clip] == label for clip, label in zip(tested["clip"], labels, strict=True))
    share = labels.value_counts(normalize=True).max()
    most = int(binom.ppf(1 - LUCK, len(test), share))
    detail = f"{right} of {len(test)} right after learning permuted labels; chance reaches {most}"
    yield Check(cell.backend.name, "permuted labels", right <= most, detail)
    differ = sum(second[clip] != fresh[clip] for clip in fresh)
    detail = f"{differ} of {len(test)} clips heard otherwise by a second fit than by a first"
    yield Check(cell.backend.name, "second fit", differ == 0, detail)


def _heard(worker: Worker, clips: pd.DataFrame, rows: Rows, place: Place) -> dict[str, str | None]:
    return {reply["clip"]: reply["predicted"] for reply in predict(worker, clips, rows, place.audio)}


def _draw(rows: Rows, count: int, seed: int) -> Rows:
    return np.random.default_rng(seed).permutation(rows)[:count]


def _permuted(clips: pd.DataFrame, rows: Rows, seed: int) -> pd.DataFrame:
    labels = clips["label"].to_numpy(copy=True)
    labels[rows] = np.random.default_rng(seed).permutation(labels[rows])
    return clips.assign(label=labels)

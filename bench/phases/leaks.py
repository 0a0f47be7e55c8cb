"""Backends that learn what they should not: what a run looks for in each of them, by default.

Training is handed training clips alone and each fold has a process of its own, so test clips can leak in three ways
only, and each has a check: the order clips are heard in (a backend that adapts to what it is tested on), a fit that
remembers an earlier one, and labels known from elsewhere (permuted training labels must fall to chance).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.cells import Cell
from bench.clips import Rows
from bench.context import Context
from bench.phases.predict import fit, predict
from bench.workers.parent import Worker
from bench.workers.ready import ready

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


def check_backend(cell: Cell, model: str | None, context: Context, seed: int) -> Iterator[Check]:
    """All checks that apply, in fresh processes. Raises WorkerError."""
    yield _order(cell, model, context, seed)
    if cell.fold:
        yield from _training(cell, context, seed)


def _order(cell: Cell, model: str | None, context: Context, seed: int) -> Check:
    rows = _draw(cell.rows, ORDER_CLIPS, seed)
    with _ready(cell, context, model) as (worker, _):
        forwards = _answers(worker, context, rows)
        backwards = _answers(worker, context, rows[::-1])
    differ = [clip for clip in forwards if forwards[clip] != backwards[clip]]
    detail = f"{len(differ)} of {len(rows)} clips heard otherwise in reverse order"
    return Check(cell.backend.name, "order", not differ, detail)


def _training(cell: Cell, context: Context, seed: int) -> Iterator[Check]:
    assert cell.fold is not None
    train, test = _draw(cell.fold.train, TRAIN_CLIPS, seed), _draw(cell.rows, TEST_CLIPS, seed)
    nothing = train[:0]
    truth = {clip.id: clip.reference for clip in context.clips.at(test)}
    labels = pd.Series(truth)
    turns = _permutations(labels.nunique())
    with _ready(cell, context) as (worker, _):
        right = 0
        for turn in range(turns):
            fit(worker, _permuted(context, train, seed + turn), train, nothing)
            answers = _answers(worker, context, test)
            right += sum(not context.task.mark(truth[clip], answer).errors for clip, answer in answers.items())
        fit(worker, context, train, nothing)
        second = _answers(worker, context, test)
    with _ready(cell, context) as (worker, _):
        fit(worker, context, train, nothing)
        fresh = _answers(worker, context, test)
    most, asked = _luck(labels, turns), turns * len(test)
    detail = f"{right} of {asked} right after learning permuted labels; luck reaches {most}"
    yield Check(cell.backend.name, "permuted labels", right <= most, detail)
    differ = sum(second[clip] != fresh[clip] for clip in fresh)
    detail = f"{differ} of {len(test)} clips heard otherwise by a second fit than by a first"
    yield Check(cell.backend.name, "second fit", differ == 0, detail)


def _ready(
    cell: Cell, context: Context, model: str | None = None
) -> AbstractContextManager[tuple[Worker, Mapping[str, Any]]]:
    given = Path(model) if model else None
    return ready(cell.backend.job, context.log(cell.backend), threads=1, model=given, code=context.code)


def _permutations(labels: int) -> int:
    """At least three, and so many that naming every word rightly in all of them by luck is rarer than ``LUCK``."""
    return max(3, int(np.ceil(np.log(LUCK) / np.log(1 / max(labels, 2)) / max(labels, 1))))


def _luck(labels: pd.Series, turns: int) -> int:
    """The most that an honest learner of permuted labels gets right in all turns together, but for ``LUCK``.

    Clips are not independent: whoever clusters the words well and names each cluster at random has whole words right
    or wrong. So luck is counted in words as well as in clips, and the larger count holds.
    """
    from scipy.stats import binom

    clips, words = turns * len(labels), turns * labels.nunique()
    by_clip = binom.ppf(1 - LUCK, clips, labels.value_counts(normalize=True).max())
    by_word = binom.ppf(1 - LUCK, words, 1 / labels.nunique()) / words * clips
    return int(max(by_clip, by_word))


def _answers(worker: Worker, context: Context, rows: Rows) -> dict[str, str | None]:
    replies = predict(worker, context, rows)
    return {reply["clip"]: context.task.answer(reply["label"], reply["text"]) for reply in replies}


def _draw(rows: Rows, count: int, seed: int) -> Rows:
    return np.random.default_rng(seed).permutation(rows)[:count]


def _permuted(context: Context, rows: Rows, seed: int) -> Context:
    table = context.clips.table
    references = table["reference"].to_numpy(copy=True)
    references[rows] = np.random.default_rng(seed).permutation(references[rows])
    return replace(context, clips=replace(context.clips, table=table.assign(reference=references)))

"""How a corpus becomes train and test.

A split is one column over the clips: "train", "validation", or the name of the fold in which the clip is tested.
``loso`` (leave one speaker out) has a fold per speaker, whose training clips are all the others. ``cross`` has one
fold: it learns from every clip of one corpus and is tested on every clip of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.config import CROSS, SPLITS
from bench.errors import BenchError

NOT_TESTED = ("train", "validation")
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1

Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Fold:
    """Row numbers into the clip table. ``validation`` is for choosing hyper-parameters, empty in most splits."""

    split: str
    name: str
    train: Rows
    validation: Rows
    test: Rows


def assign(split: str, clips: pd.DataFrame, seed: int) -> pd.Series:
    """The split's column for ``clips``. Raises BenchError where the corpus cannot be split that way, saying why."""
    if split == "official":
        return _official(clips)
    if split == "mixed":
        return _mixed(clips, seed)
    if split == "loso":
        return _loso(clips)
    if split == CROSS:
        _need(set(clips["official"]) == {"train", "test"}, CROSS, "it needs clips of both corpora")
        return clips["official"]
    raise BenchError(f"no split named {split!r}; known: {', '.join(SPLITS)}")


def folds(split: str, clips: pd.DataFrame, assignment: pd.Series) -> Iterator[Fold]:
    """The folds of an assignment, leaks excluded.

    Raises BenchError when samples of a test clip are in train as well, or a test speaker of ``loso`` is.
    """
    tests = [name for name in assignment.unique() if name not in NOT_TESTED]
    for name in sorted(tests):
        test = assignment == name
        validation = assignment == "validation"
        train = ~test & ~validation
        fold = Fold(split, name, *(np.flatnonzero(part) for part in (train, validation, test)))
        check_leaks(clips, fold)
        yield fold


def check_leaks(clips: pd.DataFrame, fold: Fold) -> None:
    """Raises BenchError if test samples, or for ``loso`` the test speaker, can be learned from in this fold."""
    learned = np.concatenate([fold.train, fold.validation])
    where = f"split {fold.split}, fold {fold.name}"
    in_train = np.zeros(len(clips), dtype=bool)
    in_train[learned] = True
    in_test = np.zeros(len(clips), dtype=bool)
    in_test[fold.test] = True
    twice = clips["sha256"].isin(clips["sha256"][in_train]).to_numpy() & in_test
    if twice.any():
        leaked = clips[twice].iloc[0]
        twin = clips["clip"][in_train & (clips["sha256"] == leaked["sha256"]).to_numpy()].iloc[0]
        raise BenchError(
            f"leak in {where}: test clip {leaked['clip']!r} has the same samples as training clip {twin!r}"
            f" ({twice.sum()} such clips); remove the copies from the corpus"
        )
    if fold.split == "loso":
        shared = set(clips["speaker"].iloc[fold.test].unique()) & set(clips["speaker"].iloc[learned].unique())
        if shared:
            raise BenchError(f"leak in {where}: speakers in both train and test: {', '.join(sorted(shared))}")


def _official(clips: pd.DataFrame) -> pd.Series:
    column = clips["official"]
    if column.isna().any():
        raise BenchError("split 'official' is not possible: this corpus does not define one; use --split mixed")
    _need(set(column) == {"train", "test"}, "official", "it needs both train and test clips")
    return column


def _mixed(clips: pd.DataFrame, seed: int) -> pd.Series:
    labels = clips["label"].to_numpy()
    smallest = clips["label"].value_counts().min()
    _need(smallest >= 3, "mixed", f"every label needs at least 3 clips, the rarest has {smallest}")
    column = np.full(len(clips), "train", dtype=object)
    rest, test = _stratified(labels, TEST_SHARE, seed)
    _, validation = _stratified(labels[rest], VALIDATION_SHARE / (1 - TEST_SHARE), seed)
    column[test] = "test"
    column[rest[validation]] = "validation"
    for part in ("test", "validation"):
        _spare(labels, column, part, seed)
    return pd.Series(column, index=clips.index, name="mixed", dtype="str")


def _stratified(labels: NDArray[np.object_], share: float, seed: int) -> tuple[Rows, Rows]:
    from sklearn.model_selection import StratifiedShuffleSplit

    size = max(round(share * len(labels)), len(set(labels)))
    splitter = StratifiedShuffleSplit(n_splits=1, test_size=size, random_state=seed)
    first, second = next(splitter.split(labels, labels))
    return np.sort(first), np.sort(second)


def _spare(labels: NDArray[np.object_], column: NDArray[np.object_], part: str, seed: int) -> None:
    """Give ``part`` one training clip of every label that drawing by share left it without: rare ones."""
    draw = np.random.default_rng(seed)
    for label in sorted(set(labels) - set(labels[column == part])):
        column[draw.choice(np.flatnonzero((labels == label) & (column == "train")))] = part


def _loso(clips: pd.DataFrame) -> pd.Series:
    speakers = clips["speaker"]
    unknown = "some clips have no speaker; give a CSV with a speaker column, or a pattern with {speaker}"
    _need(bool(speakers.notna().all()), "loso", unknown)
    _need(speakers.nunique() > 1, "loso", f"it needs at least two speakers, the corpus has {speakers.nunique()}")
    clash = set(speakers) & set(NOT_TESTED)
    _need(not clash, "loso", f"{clash} cannot be a speaker's name")
    return speakers


def _need(met: bool, split: str, why: str) -> None:
    if not met:
        raise BenchError(f"split {split!r} is not possible: {why}")

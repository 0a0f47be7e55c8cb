"""How a corpus becomes train and test.

A split is a table of (fold, clip, part): the clips that each fold tests, and those it chooses hyper-parameters on. What
a fold does not list, it trains on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.clips import Rows
from bench.errors import BenchError, near
from bench.names import ALL, CROSS, LOSO

TEST, VALIDATION, TRAIN = "test", "validation", "train"
TEST_SHARE, VALIDATION_SHARE = 0.2, 0.1
COLUMNS = ("split", "fold", "clip", "part")


@dataclass(frozen=True, slots=True)
class Split:
    """One way to divide a corpus."""

    name: str
    asks: str
    """Whom its test clips are of, in two words."""
    heard: bool
    """Whether trained backends have heard the speakers that are tested. Where not, a figure speaks of other people, and
    its interval is clustered by speaker."""
    assign: Callable[[pd.DataFrame, int], pd.DataFrame]
    """Clips (of a corpus) and a seed -> rows of fold, clip, part. Raises BenchError where it is not possible."""
    disjoint: bool = False
    """Whether a test speaker in train is a leak."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Row numbers into the clip table. ``validation`` is for choosing hyper-parameters, empty in most splits."""

    split: str
    name: str
    train: Rows
    validation: Rows
    test: Rows


def find(name: str) -> Split:
    """The split of that name. Raises BenchError when there is none such."""
    if name not in SPLITS:
        raise BenchError(f"no split named {name!r}{near(name, SPLITS)}")
    return SPLITS[name]


def assign(name: str, clips: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The split as a table (``COLUMNS``). Raises BenchError where the corpus cannot be divided that way, saying why."""
    return find(name).assign(clips, seed).assign(split=name)[list(COLUMNS)]


def folds(split: str, clips: pd.DataFrame, parts: pd.DataFrame) -> Iterator[Fold]:
    """The folds of a split's table, leaks excluded.

    Raises BenchError when samples of a test clip are in train as well, or a test speaker where none may be.
    """
    row_of = pd.Series(np.arange(len(clips)), index=clips["clip"])
    for name, listed in parts[parts["split"] == split].groupby("fold"):
        rows = {part: np.sort(row_of[each["clip"]].to_numpy()) for part, each in listed.groupby("part")}
        test, validation = (rows.get(part, np.empty(0, np.intp)) for part in (TEST, VALIDATION))
        train = np.setdiff1d(np.arange(len(clips)), np.concatenate([test, validation]), assume_unique=True)
        fold = Fold(split, str(name), train, validation, test)
        check_leaks(clips, fold)
        yield fold


def check_leaks(clips: pd.DataFrame, fold: Fold) -> None:
    """Raises BenchError if test samples, or a speaker who must not be heard, can be learned from in this fold."""
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
    if SPLITS[fold.split].disjoint:
        shared = set(clips["speaker"].iloc[fold.test].unique()) & set(clips["speaker"].iloc[learned].unique())
        if shared:
            raise BenchError(f"leak in {where}: speakers in both train and test: {', '.join(sorted(shared))}")


def _official(clips: pd.DataFrame, seed: int) -> pd.DataFrame:
    column = clips["official"]
    if column.isna().any():
        raise BenchError("split 'official' is not possible: this corpus does not define one; use --split mixed")
    _need(set(column) == {TRAIN, TEST}, "official", "it needs both train and test clips")
    return _table(clips[column == TEST])


def _cross(clips: pd.DataFrame, seed: int) -> pd.DataFrame:
    _need(set(clips["official"]) == {TRAIN, TEST}, CROSS, "it needs clips of both corpora")
    return _table(clips[clips["official"] == TEST])


def _all(clips: pd.DataFrame, seed: int) -> pd.DataFrame:
    return _table(clips)


def _mixed(clips: pd.DataFrame, seed: int) -> pd.DataFrame:
    labels = clips["reference"].to_numpy()
    smallest = clips["reference"].value_counts().min()
    _need(smallest >= 3, "mixed", f"every label needs at least 3 clips, the rarest has {smallest}")
    column = np.full(len(clips), TRAIN, dtype=object)
    rest, test = _stratified(labels, TEST_SHARE, seed)
    _, validation = _stratified(labels[rest], VALIDATION_SHARE / (1 - TEST_SHARE), seed)
    column[test] = TEST
    column[rest[validation]] = VALIDATION
    for part in (TEST, VALIDATION):
        _spare(labels, column, part, seed)
    listed = column != TRAIN
    return _table(clips[listed], part=column[listed])


def _loso(clips: pd.DataFrame, seed: int) -> pd.DataFrame:
    speakers = clips["speaker"]
    _need(bool(speakers.notna().all()), LOSO, UNKNOWN_SPEAKERS)
    _need(speakers.nunique() > 1, LOSO, f"it needs at least two speakers, the corpus has {speakers.nunique()}")
    return _table(clips, fold=speakers)


def _table(clips: pd.DataFrame, fold: object = TEST, part: object = TEST) -> pd.DataFrame:
    return pd.DataFrame({"fold": fold, "clip": clips["clip"], "part": part}).reset_index(drop=True)


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
        column[draw.choice(np.flatnonzero((labels == label) & (column == TRAIN)))] = part


def _need(met: bool, split: str, why: str) -> None:
    if not met:
        raise BenchError(f"split {split!r} is not possible: {why}")


UNKNOWN_SPEAKERS = "some clips have no speaker; give a CSV with a speaker column, or a pattern with {speaker}"
SPLITS: Mapping[str, Split] = MappingProxyType(
    {
        CROSS: Split(CROSS, "another corpus", heard=False, assign=_cross),
        ALL: Split(ALL, "unseen speakers", heard=False, assign=_all),
        LOSO: Split(LOSO, "unseen speakers", heard=False, assign=_loso, disjoint=True),
        "mixed": Split("mixed", "known speakers", heard=True, assign=_mixed),
        "official": Split("official", "known speakers", heard=True, assign=_official),
    }
)
"""Every split, those that ask most first. What each is: :data:`bench.names.SPLITS`."""

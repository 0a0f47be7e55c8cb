from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.names import ALL, CROSS, SPLITS
from bench.splits import COLUMNS, assign, find, folds
from bench.splits import SPLITS as KNOWN

PARTS = ("train", "validation", "test")


def table(labels: int = 3, speakers: int = 3, takes: int = 5) -> pd.DataFrame:
    rows = [
        (f"{label}_{speaker}_{take}", str(label), f"s{speaker}", f"hash {label} {speaker} {take}")
        for label in range(labels)
        for speaker in range(speakers)
        for take in range(takes)
    ]
    clips = pd.DataFrame(rows, columns=["clip", "reference", "speaker", "sha256"])
    return clips.assign(official=np.where(clips["clip"].str.endswith("_0"), "test", "train"))


TEACHING = [split for split in SPLITS if split != ALL]


def test_where_nobody_learns_every_clip_is_tested() -> None:
    clips = table()
    (fold,) = folds(ALL, clips, assign(ALL, clips, 0))
    assert len(fold.test) == len(clips) and not len(fold.train) and not len(fold.validation)
    assert not find(ALL).heard


@given(st.integers(2, 5), st.integers(2, 5), st.integers(2, 8), st.sampled_from(TEACHING), st.integers(0, 99))
def test_every_fold_parts_the_clips(labels: int, speakers: int, takes: int, split: str, seed: int) -> None:
    clips = table(labels, speakers, takes)
    for fold in folds(split, clips, assign(split, clips, seed)):
        parts = np.concatenate([fold.train, fold.validation, fold.test])
        assert sorted(parts) == list(range(len(clips)))
        assert len(fold.train) and len(fold.test)


def column(clips: pd.DataFrame, parts: pd.DataFrame) -> pd.Series:
    """Of a split with one fold: each clip's part, what is not listed being train."""
    return clips["clip"].map(parts.set_index("clip")["part"]).fillna("train")


@pytest.mark.parametrize("split", KNOWN)
def test_a_split_lists_tested_and_validating_clips_alone_and_each_once(split: str) -> None:
    clips = table(takes=20)
    parts = assign(split, clips, 0)
    assert tuple(parts.columns) == COLUMNS
    assert set(parts["split"]) == {split} and set(parts["part"]) <= {"test", "validation"}
    assert parts["clip"].is_unique and set(parts["clip"]) <= set(clips["clip"])


def test_whoever_is_tested_has_been_heard_but_where_the_split_says_otherwise() -> None:
    assert set(KNOWN) == {*SPLITS, CROSS}
    clips = table()
    for name in TEACHING:
        for fold in folds(name, clips, assign(name, clips, 0)):
            heard = set(clips["speaker"].iloc[fold.test]) <= set(clips["speaker"].iloc[fold.train])
            assert heard == find(name).heard == (not find(name).disjoint)


def test_folds_of_one_split_are_told_apart_from_those_of_another() -> None:
    clips = table()
    each = {split: list(folds(split, clips, assign(split, clips, 0))) for split in SPLITS}
    both = pd.concat([assign(split, clips, 0) for split in SPLITS])
    for split, alone in each.items():
        for one, other in zip(alone, folds(split, clips, both), strict=True):
            assert one.split == other.split == split and one.name == other.name
            assert all(np.array_equal(getattr(one, part), getattr(other, part)) for part in PARTS)


def test_a_speaker_can_be_called_train() -> None:
    clips = table().replace({"speaker": {"s0": "train", "s1": "validation"}})
    names = [fold.name for fold in folds("loso", clips, assign("loso", clips, 0))]
    assert names == ["s2", "train", "validation"]


def test_loso_tests_every_clip_once_on_a_speaker_never_heard() -> None:
    clips = table()
    tested = []
    for fold in folds("loso", clips, assign("loso", clips, 0)):
        assert set(clips["speaker"].iloc[fold.test]) == {fold.name}
        assert fold.name not in set(clips["speaker"].iloc[fold.train])
        tested += list(fold.test)
    assert sorted(tested) == list(range(len(clips)))


def test_mixed_is_stratified_and_seeded() -> None:
    clips = table(takes=20)
    parts = assign("mixed", clips, 1)
    counts = pd.crosstab(clips["reference"], column(clips, parts))
    assert counts.nunique().eq(1).all()
    assert dict(counts.sum()) == {"train": 126, "validation": 18, "test": 36}
    assert parts.equals(assign("mixed", clips, 1))
    assert not parts.equals(assign("mixed", clips, 2))


@given(st.lists(st.integers(3, 40), min_size=2, max_size=8), st.integers(0, 99))
def test_mixed_leaves_no_label_without_any_part(counts: list[int], seed: int) -> None:
    labels = [str(label) for label, count in enumerate(counts) for _ in range(count)]
    clips = pd.DataFrame({"clip": [str(number) for number in range(len(labels))], "reference": labels})
    drawn = column(clips, assign("mixed", clips, seed))
    assert (pd.crosstab(clips["reference"], drawn)[list(PARTS)] >= 1).all(axis=None)


def test_official_is_the_corpus_own() -> None:
    clips = table()
    (fold,) = folds("official", clips, assign("official", clips, 0))
    assert clips["clip"].iloc[fold.test].str.endswith("_0").all()


@pytest.mark.parametrize(
    ("change", "split", "why"),
    [
        ({"speaker": None}, "loso", "some clips have no speaker"),
        ({"speaker": "ann"}, "loso", "at least two speakers, the corpus has 1"),
        ({"speaker": "train"}, "loso", "at least two speakers"),
        ({"official": None}, "official", "does not define one"),
        ({"official": "train"}, "official", "needs both train and test"),
        ({}, "random", "no split named 'random'; known: all, cross, loso, mixed, official"),
    ],
)
def test_impossible_splits_say_why(change: dict[str, str | None], split: str, why: str) -> None:
    with pytest.raises(BenchError, match=why):
        assign(split, table().assign(**change), 0)


def test_mixed_needs_three_clips_of_each_label() -> None:
    clips = table(takes=1, speakers=2)
    with pytest.raises(BenchError, match="every label needs at least 3 clips, the rarest has 2"):
        assign("mixed", clips, 0)


@pytest.mark.parametrize("split", [*TEACHING, CROSS])
def test_a_copy_in_train_of_a_test_clip_is_a_leak(split: str) -> None:
    clips = table()
    parts = assign(split, clips, 0)
    fold = next(folds(split, clips, parts))
    test, train = int(fold.test[0]), int(fold.train[-1])
    clips["sha256"] = clips["sha256"].mask(clips.index == train, clips["sha256"][test])
    with pytest.raises(BenchError, match=f"leak in split {split}.*{clips['clip'][test]!s}"):
        list(folds(split, clips, parts))


def test_a_test_speaker_in_loso_train_is_a_leak() -> None:
    clips = table()
    parts = assign("loso", clips, 0)
    clips.loc[len(clips) - 1, "speaker"] = "s0"
    with pytest.raises(BenchError, match="speakers in both train and test: s0"):
        list(folds("loso", clips, parts))

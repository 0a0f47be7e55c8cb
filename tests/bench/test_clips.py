from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import clips as module
from bench.clips import BATCH, Clip, Clips, batched, clips_hash, told


def table(rows: int = 4) -> pd.DataFrame:
    """Clips of which every second has no speaker."""
    numbers = range(rows)
    return pd.DataFrame(
        {
            "clip": [f"clip {n}" for n in numbers],
            "path": [f"train/{n}.wav" for n in numbers],
            "sha256": [f"{n:064x}" for n in numbers],
            "reference": [str(n % 3) for n in numbers],
            "speaker": [None if n % 2 else f"s{n}" for n in numbers],
            "samples": 100,
        }
    )


def test_a_clip_is_what_its_row_says() -> None:
    first, second = Clips(table(2), Path("/data")).all()
    assert first == Clip("clip 0", "/data/train/0.wav", f"{0:064x}", "0", "s0")
    assert second == Clip("clip 1", "/data/train/1.wav", f"{1:064x}", "1", None)


def test_rows_come_in_the_order_asked_for() -> None:
    clips = Clips(table(), Path())
    assert [clip.id for clip in clips.at(np.array([2, 0, 2]))] == ["clip 2", "clip 0", "clip 2"]
    assert list(clips.at(np.array([], dtype=np.intp))) == []


def test_only_some_of_them() -> None:
    some = Clips(table(), Path()).only(np.array([3, 1]))
    assert len(some) == 2
    assert [clip.id for clip in some.all()] == ["clip 3", "clip 1"]
    assert list(some.table.index) == [0, 1]


def test_two_corpora_lie_in_two_folders() -> None:
    rows = table(2).assign(path=["train/a/0.wav", "test/1.wav"])
    paths = [clip.path for clip in Clips(rows, {"train": Path("/one"), "test": Path("/two")}).all()]
    assert paths == ["/one/a/0.wav", "/two/1.wav"]


def test_what_is_told_is_json_and_comes_back() -> None:
    clips = list(Clips(table(), Path("/data")).all())
    assert [Clip(**entry) for entry in json.loads(json.dumps(told(clips)))] == clips


@pytest.mark.parametrize("rows", [0, 1, BATCH - 1, BATCH, BATCH + 1, 2 * BATCH + 3])
def test_batches_are_all_rows_in_order(rows: int) -> None:
    parts = list(batched(np.arange(rows)))
    assert all(0 < len(part) <= BATCH for part in parts)
    assert np.array_equal(np.concatenate([np.arange(0), *parts]), np.arange(rows))


def test_a_hash_is_of_what_is_heard_and_from_whom(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(7)
    known = clips_hash(rows)
    assert clips_hash(rows.assign(path="elsewhere", samples=7)) == known
    for column in ("clip", "reference", "speaker", "sha256"):
        assert clips_hash(rows.assign(**{column: ["other", *rows[column][1:]]})) != known
    assert clips_hash(rows[::-1]) != known
    monkeypatch.setattr(module, "BATCH", 2)
    assert clips_hash(rows) == known


def test_a_clip_cannot_be_changed() -> None:
    clip = Clip("a", "a.wav", "0", "1")
    with pytest.raises(AttributeError):
        clip.reference = "2"  # type: ignore[misc]
    assert replace(clip, reference="2").reference == "2"

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends import find
from bench.cells import clip_table, job
from bench.clips import BATCH, Clips, batched, clips_hash, told
from bench.config import Config
from bench.corpora.base import Corpus
from bench.errors import BenchError
from bench.names import file_name
from tests.bench.factory import clips, official


def listed(takes: int = 10) -> pd.DataFrame:
    """The clips as a corpus lists them."""
    table = clips(takes=takes)
    tested = table["clip"].isin(official(table)["clip"])
    return table.rename(columns={"reference": "label"}).assign(official=np.where(tested, "test", "train"))


def corpus(table: pd.DataFrame) -> Corpus:
    return Corpus("made up", Path("/audio"), table)


@pytest.mark.parametrize("limit", [18, 36, 60])
def test_a_limit_takes_evenly_of_everything(limit: int) -> None:
    found, splits, impossible = clip_table(Config(limit=limit), corpus(listed(takes=20)))
    assert len(found) == limit
    assert not impossible
    assert set(splits["split"]) == {"official", "mixed", "loso"} and set(splits["clip"]) <= set(found.table["clip"])
    counts = found.table.groupby(["reference", "speaker"]).size()
    assert limit // 18 <= counts.min() <= counts.max() <= -(-limit // 9)
    assert {"train", "test"} <= set(found.table["official"])


def test_what_the_harness_obeys_is_kept_from_the_constructor() -> None:
    made = job(Config(backend={"chance": {"most_threads": 2, "step_limit_s": 3.0, "x": 1}}), find("chance"))
    assert (made.limits.threads, made.limits.step_s, dict(made.options)) == (2, 3.0, {"x": 1})


def test_a_limit_is_seeded() -> None:
    first, again, other = (clip_table(Config(limit=30, seed=seed), corpus(listed())) for seed in (1, 1, 2))
    assert first[0].table.equals(again[0].table) and first[1].equals(again[1])
    assert not first[0].table["clip"].equals(other[0].table["clip"])


def test_no_possible_split_is_an_error() -> None:
    table = listed().assign(speaker=None, official=None)
    with pytest.raises(BenchError, match=r"'official' is not possible.*'loso' is not possible"):
        clip_table(Config(splits=("official", "loso")), corpus(table))


def test_an_impossible_split_is_told_and_the_others_are_made() -> None:
    _, splits, impossible = clip_table(Config(), corpus(listed().assign(speaker=None)))
    assert set(splits["split"]) == {"official", "mixed"}
    assert list(impossible) == ["loso"] and "some clips have no speaker" in impossible["loso"]


def test_a_worker_is_told_what_it_needs() -> None:
    table = clips().assign(speaker=None)
    assert told(Clips(table, Path("/audio")).at(np.array([3]))) == [
        {
            "id": "0_ann_3",
            "path": "/audio/0_ann_3.wav",
            "sha256": f"{3:064x}",
            "reference": "0",
            "speaker": None,
            "context_s": None,
        }
    ]


def test_clips_of_two_corpora_are_found_in_two_folders() -> None:
    table = clips().assign(path="test/a/b.wav")
    (clip,) = Clips(table, {"train": Path("/one"), "test": Path("/two")}).at(np.array([0]))
    assert clip.path == "/two/a/b.wav"


@given(st.integers(0, 3 * BATCH))
def test_batches_are_all_rows_in_order(count: int) -> None:
    parts = list(batched(np.arange(count)))
    assert all(0 < len(part) <= BATCH for part in parts)
    assert [row for part in parts for row in part] == list(range(count))


def test_the_hash_of_clips_knows_samples_references_and_speakers_but_neither_paths_nor_splits() -> None:
    table = clips()
    for column, value in (("sha256", "x"), ("reference", "2"), ("speaker", "bob"), ("clip", "new")):
        assert clips_hash(table) != clips_hash(table.assign(**{column: table[column].where(table.index > 0, value)}))
    assert clips_hash(table) == clips_hash(table.assign(path="elsewhere.wav", official="test"))


@given(st.text(min_size=1), st.text(min_size=1))
def test_file_names_are_safe_and_distinct(one: str, other: str) -> None:
    assert not set(file_name(one)) & set("/\\:\0 ")
    assert (file_name(one) == file_name(other)) == (one == other)


@pytest.mark.parametrize("name", ["a" * 300, "é" * 300, "\N{HIRAGANA LETTER A}" * 300, ":" * 300, "\udcff" * 300])
def test_four_long_names_make_a_file_name(name: str, tmp_path: Path) -> None:
    (tmp_path / f"{'__'.join([file_name(name)] * 4)}.parquet.part").touch()
    assert file_name(name) != file_name(name + "a")

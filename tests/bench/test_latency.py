from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from backends import find
from bench.accuracy import Place
from bench.config import Config
from bench.corpora import open_corpus
from bench.latency import Contender, coldstart, latency, sample, throughput
from bench.plan import Known, clip_table, job
from tests.bench.factory import clips
from tests.bench.running import Silent, planted, quick


def contender(name: str, config: Config) -> Contender:
    return Contender(Known(job(config, find(planted(name))), False, "all", (), "", {}, 0), None)


def test_timed_clips_are_distinct_official_test_clips() -> None:
    rows = sample(Config(seed=3), clips(), 10)
    assert len(set(rows)) == 10
    assert set(clips()["official"].iloc[rows]) == {"test"}
    assert not np.array_equal(rows, sample(Config(seed=4), clips(), 10))
    assert len(sample(Config(), clips().assign(official=None), 1000)) == len(clips())


def test_rounds_are_interleaved_and_the_first_call_of_a_turn_is_warmup(tiny_corpus: Path, tmp_path: Path) -> None:
    config = replace(quick(tiny_corpus, "chance"), latency_clips=9, latency_round=3)
    table, place = _table(tiny_corpus, config), Place(tmp_path, tiny_corpus)
    names = ["Steady", "Garbage"]
    rows, resources, failures = latency(config, 1, [contender(name, config) for name in names], table, place, Silent())
    assert not failures
    turns = [(row["round"], row["backend"]) for row in rows if row["warmup"]]
    assert [number for number, _ in turns] == [0, 0, 1, 1, 2, 2]
    assert all({name for at, name in turns if at == number} == {f"planted:{n}" for n in names} for number in range(3))
    assert sum(not row["warmup"] for row in rows) == 18
    assert {row["backend"] for row in resources} == {f"planted:{n}" for n in names}


def test_who_fails_under_way_is_dropped_and_the_rest_goes_on(tiny_corpus: Path, tmp_path: Path) -> None:
    config = replace(quick(tiny_corpus, "chance"), latency_clips=6, latency_round=3, warmup=0)
    table, place = _table(tiny_corpus, config), Place(tmp_path, tiny_corpus)
    both = [contender(name, config) for name in ("Exits", "Steady")]
    rows, resources, (failure,) = latency(config, 1, both, table, place, Silent())
    assert failure.backend == "planted:Exits"
    assert {row["backend"] for row in rows} == {row["backend"] for row in resources} == {"planted:Steady"}


def test_cold_start_is_a_fresh_process_each_time(tiny_corpus: Path, tmp_path: Path) -> None:
    config = replace(quick(tiny_corpus, "chance"), coldstart=3)
    table, place = _table(tiny_corpus, config), Place(tmp_path, tiny_corpus)
    both = [contender(name, config) for name in ("Steady", "LoadFails")]
    rows, (failure,) = coldstart(config, both, table, place, Silent())
    assert [row["repeat"] for row in rows] == [0, 1, 2]
    assert failure.reason.startswith("FileNotFoundError: no weights here")


def test_batches_double(tiny_corpus: Path, tmp_path: Path) -> None:
    config = replace(quick(tiny_corpus, "chance"), throughput_s=0.02)
    table, place = _table(tiny_corpus, config), Place(tmp_path, tiny_corpus)
    rows, failures = throughput(config, [contender("Steady", config)], table, place, Silent())
    assert not failures
    assert [row["batch"] for row in rows] == [2**power for power in range(len(rows))]
    assert all(row["clips"] % row["batch"] == 0 for row in rows)
    assert sum(row["predict_s"] for row in rows) > 0


def _table(corpus: Path, config: Config) -> pd.DataFrame:
    return clip_table(config, open_corpus(config.corpus, config.vocabulary))[0]

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from backends import find
from backends.base import Asked
from bench import tasks
from bench.cells import Known, clip_table, job
from bench.clips import Clips
from bench.conditions import Resources, Treatments
from bench.config import Config
from bench.context import Context
from bench.corpora import open_corpus
from bench.phases.latency import Contender, clip_count, latency, sample, throughput
from tests.bench.factory import clips, official
from tests.bench.running import Silent, planted, quick


def contender(name: str, config: Config) -> Contender:
    return Contender(Known(job(config, find(planted(name))), False, "all", (), {}, 0), None)


def test_timed_clips_are_distinct_official_test_clips() -> None:
    table = clips()
    tested = table["clip"].isin(official(table)["clip"])
    marked = Clips(table.assign(official=np.where(tested, "test", "train")), Path())
    drawn = sample(Config(seed=3), marked, 10)
    assert len({clip.id for clip in drawn}) == 10
    assert {clip.id for clip in drawn} <= set(table["clip"][tested])
    assert drawn != sample(Config(seed=4), marked, 10)
    assert len(sample(Config(), Clips(table.assign(official=None), Path()), 1000)) == len(table)


def test_rounds_are_interleaved_and_the_first_call_of_a_turn_is_warmup(tiny_corpus: Path, tmp_path: Path) -> None:
    config = replace(quick(tiny_corpus, "chance"), latency_clips=9, latency_round=3, processes=1)
    names = ["Steady", "Garbage"]
    timed, failures = latency(config, 1, [contender(name, config) for name in names], _context(config, tmp_path))
    assert not failures
    turns = [(row["round"], row["backend"]) for row in timed.calls if row["warmup"] and row["round"] >= 0]
    assert [number for number, _ in turns] == [0, 0, 1, 1, 2, 2]
    assert all({name for at, name in turns if at == number} == {f"planted:{n}" for n in names} for number in range(3))
    assert sum(not row["warmup"] for row in timed.calls) == 18
    assert {row["backend"] for row in timed.memory} == {f"planted:{n}" for n in names}


def test_clips_are_shared_out_over_fresh_processes(tiny_corpus: Path, tmp_path: Path) -> None:
    config = replace(quick(tiny_corpus, "chance"), latency_clips=7, latency_round=2, processes=3, warmup=0)
    names = ["Steady", "Garbage"]
    timed, failures = latency(config, 1, [contender(name, config) for name in names], _context(config, tmp_path))
    assert not failures
    calls = pd.DataFrame(timed.calls).query("not warmup")
    assert [len(own) for _, own in calls.groupby(["backend", "process"])] == [3, 2, 2] * 2
    assert calls.groupby("clip")["process"].nunique().eq(1).all()
    assert calls["clip"].nunique() == 7
    assert [row["process"] for row in timed.memory] == [0, 0, 1, 1, 2, 2]


def test_who_fails_under_way_is_dropped_and_the_rest_goes_on(tiny_corpus: Path, tmp_path: Path) -> None:
    config = replace(quick(tiny_corpus, "chance"), latency_clips=6, latency_round=3, warmup=0)
    both = [contender(name, config) for name in ("Exits", "Steady")]
    timed, (failure,) = latency(config, 1, both, _context(config, tmp_path))
    assert failure.backend == "planted:Exits"
    assert {row["backend"] for row in timed.calls} == {row["backend"] for row in timed.memory} == {"planted:Steady"}


def test_cold_start_is_that_of_every_fresh_process(tiny_corpus: Path, tmp_path: Path) -> None:
    config = replace(quick(tiny_corpus, "chance"), latency_clips=6, processes=3)
    both = [contender(name, config) for name in ("Steady", "LoadFails")]
    timed, (failure,) = latency(config, 1, both, _context(config, tmp_path))
    assert [row["process"] for row in timed.starts] == [0, 1, 2]
    assert all(row[stage] > 0 for row in timed.starts for stage in ("start_s", "import_s", "load_s", "first_s"))
    assert failure.reason.startswith("FileNotFoundError: no weights here")


def test_lesser_thread_counts_are_timed_on_a_quarter_of_the_clips() -> None:
    config = Config(threads=(1, 2), latency_clips=141)
    assert (clip_count(config, 1), clip_count(config, 2)) == (36, 141)


def test_batches_double(tiny_corpus: Path, tmp_path: Path) -> None:
    config = replace(quick(tiny_corpus, "chance"), throughput_s=0.02)
    rows, failures = throughput(config, [contender("Steady", config)], _context(config, tmp_path))
    assert not failures
    assert [row["batch"] for row in rows] == [2**power for power in range(len(rows))]
    assert all(row["clips"] % row["batch"] == 0 for row in rows)
    assert sum(row["predict_s"] for row in rows) > 0


def _context(config: Config, folder: Path) -> Context:
    clips, _, _ = clip_table(config, open_corpus(config.corpus, config.vocabulary))
    task = tasks.make(Asked(config.task, config.vocabulary))
    return Context(folder, clips, task, Silent(), Treatments.of((), folder / "conditions", 0, Resources()))

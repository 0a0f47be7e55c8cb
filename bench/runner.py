"""One run from beginning to end: plan, predict, check, measure, write down.

Phases follow one another, so that nothing else of the run is at work while time is measured. Each leaves its records
behind under a key; a run that was stopped picks up where it was when the same command is given again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from bench.cells import (
    Cell,
    Known,
    cells,
    clip_table,
    clips_hash,
    digest,
    entries,
    introduce,
    resources,
    specs,
    timeable,
)
from bench.code import Code, Present, meaning
from bench.conditions import Treatments
from bench.conditions.training import COPIES
from bench.config import Config
from bench.corpora.base import Corpus
from bench.errors import BenchError
from bench.machine import (
    broken_packages,
    cpus,
    describe_git,
    describe_machine,
    describe_others,
    package_versions,
)
from bench.phases.examine import examined
from bench.phases.latency import Contender, Failure, latency, throughput
from bench.phases.predict import Facts, Outcome, Place, first_cells, predict_all, taken_over
from bench.progress import Reporter
from bench.records.journal import earlier_sessions, kept, locked, session, write_rows
from bench.records.schema import CLEAN, COLDSTART, LATENCY, RESOURCES, THROUGHPUT
from bench.runfile import Finished, write_manifest
from bench.workers.parent import ROOT, WorkerError

Rows = list[dict[str, Any]]
TIMING_SOURCES = (
    "bench/phases/latency.py",
    "bench/workers/parent.py",
    "bench/workers/supervisor.py",
    "bench/workers/child.py",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One measuring phase: its files, and who failed in it."""

    tables: Mapping[str, Rows]
    failures: list[Failure]


def run(
    config: Config,
    corpus: Corpus,
    out: Path,
    command: str,
    reporter: Reporter,
    finish: Callable[[Path], None] = lambda folder: None,
) -> Finished:
    """Carry out a run into ``out``, write ``run.json``, and let ``finish`` derive the rest while the folder is held.

    Raises BenchError for bad input, a leak, or a folder in use. A failing backend is no exception: it is recorded.
    """
    config = replace(config, jobs=config.jobs or len(cpus()), threads=config.threads or _default_threads())
    chosen = specs(config)
    clips, impossible = clip_table(config, corpus)
    asked = digest(asdict(config), clips_hash(clips))
    with locked(out), session(out, asked) as began:
        machine, git, packages = describe_machine(), describe_git(ROOT), package_versions()
        for broken in broken_packages(packages):
            reporter.say(f"note: {broken}; the run goes on without it")
        found = resources(config.conditions, clips, corpus.folders)
        treatments = Treatments.of(config.conditions, out / "conditions", config.seed, found)
        place = Place(out, corpus.folders, treatments)
        for split, why in impossible.items():
            reporter.say(f"{split}: left out, {why}")
        known, failures = _introduced(config, chosen, place, reporter)
        outcomes, planned = [], list(cells(config, clips, known, treatments.identities))
        held = taken_over(planned, place, reporter)
        _render([cell for cell in planned if cell.key not in held], clips, place, reporter)
        for outcome in predict_all(planned, held, clips, place, config.jobs, reporter):
            outcomes.append(outcome)
            if outcome.reason:
                reporter.say(f"failed: {outcome.cell.title}: {outcome.reason}")
                under = "" if outcome.cell.condition == CLEAN else f"{outcome.cell.condition}: "
                failures.append(Failure(outcome.cell.backend.name, "accuracy", under + outcome.reason))
        shutil.rmtree(treatments.folder, ignore_errors=True)
        place_of = {cell.key: number for number, cell in enumerate(planned)}
        outcomes.sort(key=lambda outcome: place_of[outcome.cell.key])
        contenders = _contenders(planned, outcomes, place)
        made_by = {outcome.cell.key: outcome.code for outcome in outcomes}
        contenders, descriptions, checks, found_out = examined(config, contenders, made_by, clips, place, reporter)
        clean = [cell for cell in planned if cell.condition == CLEAN]
        machine, failed_measuring = _measure(
            config, machine, timeable(clips), clean, made_by, contenders, place, reporter
        )
        failures += found_out + failed_measuring
        done = Finished(
            config=config,
            corpus=corpus,
            clips=clips,
            impossible=impossible,
            machine=machine,
            git=git,
            packages=packages,
            command=command,
            began=began,
            earlier_s=tuple(earlier_sessions(out, asked)),
            ended=time.time(),
            backends=tuple(known),
            descriptions=descriptions,
            outcomes=tuple(outcomes),
            checks=tuple(checks),
            failures=tuple(failures),
        )
        write_manifest(done, out)
        finish(out)
        return done


def _render(waiting: list[Cell], clips: pd.DataFrame, place: Place, reporter: Reporter) -> None:
    """Change clips for the cells that are to be predicted, before any worker hears them."""
    tested: dict[str, set[int]] = {}
    for cell in waiting:
        if cell.condition != CLEAN:
            tested.setdefault(cell.condition, set()).update(cell.rows)
    noisy = {row for cell in waiting if cell.backend.noisy and cell.fold for row in cell.fold.train}
    with reporter.task("conditions", sum(map(len, tested.values())) + COPIES * len(noisy)) as advance:
        for condition, rows in tested.items():
            for _ in place.heard(clips, np.array(sorted(rows)), condition, check=True):
                advance(1)
        if noisy and place.treatments:
            for _ in place.treatments.noisy(entries(clips, np.array(sorted(noisy)), place.audio), check=True):
                advance(1)


def _default_threads() -> tuple[int, ...]:
    return tuple(sorted({1, len(cpus())}))


def _introduced(
    config: Config, chosen: list[Any], place: Place, reporter: Reporter
) -> tuple[list[Known], list[Failure]]:
    known, failures = [], []
    with reporter.task("backends", len(chosen)) as advance:
        for spec in chosen:
            try:
                known.append(introduce(config, spec, place.folder / "logs" / "introduce.log"))
            except WorkerError as failure:
                reporter.say(f"failed: {spec.name}: {failure}")
                failures.append(Failure(spec.name, "prepare", str(failure)))
            advance(1)
    return known, failures


def _contenders(planned: list[Cell], outcomes: list[Outcome], place: Place) -> list[tuple[Cell, Contender]]:
    """Backends with nothing against them so far, each with the cell whose model it will use."""
    failed = {outcome.cell.backend.name for outcome in outcomes if outcome.reason and outcome.cell.condition == CLEAN}
    first = first_cells(planned)
    ready: dict[str, tuple[Cell, Contender]] = {}
    for cell in planned:
        name = cell.backend.name
        if name not in failed and name not in ready:
            ready[name] = cell, Contender(cell.backend, place.model(first[name]) if name in first else None)
    return list(ready.values())


def _measure(
    config: Config,
    machine: dict[str, Any],
    clips: pd.DataFrame,
    cells: list[Cell],
    made_by: Mapping[str, Facts],
    contenders: list[tuple[Cell, Contender]],
    place: Place,
    reporter: Reporter,
) -> tuple[dict[str, Any], list[Failure]]:
    """Run the phases that are not finished; returns the machine as it was when latency was measured."""
    ready = [contender for _, contender in contenders]

    def timed(place: Place) -> Measured:
        tables: dict[str, Rows] = {"latency": [], "coldstart": [], "resources": []}
        failures: list[Failure] = []
        for threads in config.threads:
            found, failed = latency(config, threads, ready, clips, place, reporter)
            tables["latency"] += found.calls
            tables["coldstart"] += found.starts
            tables["resources"] += found.memory
            failures += failed
        return Measured(tables, failures)

    def batched(place: Place) -> Measured:
        if not config.throughput_s:
            return Measured({"throughput": []}, [])
        rows, failures = throughput(config, ready, clips, place, reporter)
        return Measured({"throughput": rows}, failures)

    phases: list[tuple[Callable[[Place], Measured], tuple[str, ...], tuple[Any, ...]]] = [
        (timed, ("latency", "coldstart", "resources"),
         (config.threads, config.latency_clips, config.processes, config.latency_round, config.warmup, config.seed)),
        (batched, ("throughput",), (config.throughput_s,)),
    ]  # fmt: skip
    most_threads = [each.known.job.limits.threads for each in ready]
    named = {each.known.name for each in ready}
    timed_cells = [(cell.key, made_by[cell.key]) for cell in cells if cell.backend.name in named]
    # Times of another machine, or of this one before it was started anew, are not this session's.
    identity = [machine[fact] for fact in ("cpu", "processor", "kernels", "host", "memory_bytes", "os", "boot_id")]
    method = [meaning(ROOT / source) for source in TIMING_SOURCES]
    failures = []
    for phase, names, settings in phases:
        key = digest(names, settings, most_threads, timed_cells, clips_hash(clips), cpus(), method, identity)
        paths = {name: place.folder / "records" / f"{name}.parquet" for name in names}
        done = [_held(path, key, reporter) for path in paths.values()]
        if None not in done:
            machine = next((facts["machine"] for facts in done if facts and "machine" in facts), machine)
            continue
        if "latency" in names:
            machine = {**machine, **describe_others()}
        here = replace(place, code=Code())
        measured = phase(here)
        for failure in measured.failures:
            reporter.say(f"failed: {failure.backend} in {failure.phase}: {failure.reason}")
        # A phase in which somebody failed is not taken as finished: the next run tries it again.
        stamp = f"incomplete {key}" if measured.failures else key
        for name, path in paths.items():
            facts = {**here.code.facts(), **({"machine": machine} if name == "latency" else {})}
            write_rows(path, iter(measured.tables[name]), SCHEMAS[name], stamp, facts)
        failures += measured.failures
    return machine, failures


def _held(path: Path, key: str, reporter: Reporter) -> Facts | None:
    """The facts of records that were made under ``key`` by code that is the same now; what is damaged is told."""
    try:
        found = kept(path)
    except BenchError as error:
        reporter.say(f"{error}; it is measured anew")
        return None
    return found.facts if found and found.key == key and not Present().changed(found.facts) else None


SCHEMAS: Mapping[str, pa.Schema] = {
    "latency": LATENCY,
    "resources": RESOURCES,
    "coldstart": COLDSTART,
    "throughput": THROUGHPUT,
}

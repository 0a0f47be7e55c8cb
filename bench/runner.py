"""One run from beginning to end: plan, predict, check, measure, write down.

Phases follow one another, so that nothing else of the run is at work while time is measured. Each leaves its records
behind under a key; a run that was stopped picks up where it was when the same command is given again.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from backends import Spec
from bench import tasks
from bench.cells import Cell, Known, cells, clip_table, digest, introduce, specs, timeable
from bench.clips import clips_hash
from bench.code import ROOT
from bench.conditions import Treatments
from bench.config import Config
from bench.context import Context
from bench.corpora.base import Corpus
from bench.describe import described
from bench.machine import broken_packages, cpus, describe_git, describe_machine, give_back, package_versions
from bench.names import CLEAN
from bench.phases.examine import examined
from bench.phases.latency import Contender, Failure
from bench.phases.measure import measure
from bench.phases.predict import Outcome, first_cells, predict_all, taken_over
from bench.phases.render import render, resources
from bench.progress import Reporter
from bench.records.journal import earlier_sessions, locked, session
from bench.runfile import Finished, write_manifest
from bench.workers.parent import WorkerError


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
    jobs, threads = config.jobs or len(cpus()), config.threads or _default_threads()
    config = replace(config, task=tasks.lasting(config.task), jobs=jobs, threads=threads)
    chosen = specs(config)
    clips, splits, impossible = clip_table(config, corpus)
    task = tasks.make(config.asked)
    task.check(clips.table)
    asked = digest(asdict(config), clips_hash(clips.table))
    with locked(out), session(out, asked) as began:
        machine, git, packages = describe_machine(), describe_git(ROOT), package_versions()
        for broken in broken_packages(packages):
            reporter.say(f"note: {broken}; the run goes on without it")
        tested = timeable(config, clips)
        drawn_on = resources(config.conditions, tested)
        treatments = Treatments.of(config.conditions, out / "conditions", config.seed, drawn_on)
        context = Context(out, clips, task, reporter, treatments)
        for split, why in impossible.items():
            reporter.say(f"{split}: left out, {why}")
        known, failures = _introduced(config, chosen, context)
        outcomes, planned = [], list(cells(config, clips, splits, known, treatments.identities))
        give_back()
        held = taken_over(planned, context)
        render([cell for cell in planned if cell.key not in held], context)
        for outcome in predict_all(planned, held, context, config.jobs):
            outcomes.append(outcome)
            if outcome.reason:
                reporter.say(f"failed: {outcome.cell.title}: {outcome.reason}")
                under = "" if outcome.cell.condition == CLEAN else f"{outcome.cell.condition}: "
                failures.append(Failure(outcome.cell.backend.name, "accuracy", under + outcome.reason))
        shutil.rmtree(treatments.folder, ignore_errors=True)
        contents = described(context) if task.described else [None] * len(clips)
        place_of = {cell.key: number for number, cell in enumerate(planned)}
        outcomes.sort(key=lambda outcome: place_of[outcome.cell.key])
        contenders = _contenders(planned, outcomes, context)
        made_by = {outcome.cell.key: outcome.code for outcome in outcomes}
        contenders, descriptions, checks, failed = examined(config, contenders, made_by, context)
        clean = [cell for cell in planned if cell.condition == CLEAN]
        timed = replace(context, clips=tested)
        machine, failed_measuring = measure(config, machine, clean, made_by, contenders, timed)
        failures += failed + failed_measuring
        give_back()
        done = Finished(
            config=config,
            corpus=corpus,
            clips=clips.table.assign(content=pd.Series(contents, dtype=object)),
            splits=splits,
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


def _default_threads() -> tuple[int, ...]:
    return tuple(sorted({1, len(cpus())}))


def _introduced(config: Config, chosen: list[Spec], context: Context) -> tuple[list[Known], list[Failure]]:
    known, failures = [], []
    with context.reporter.task("backends", len(chosen)) as advance:
        for spec in chosen:
            try:
                known.append(introduce(config, spec, context.folder / "logs" / "introduce.log"))
            except WorkerError as failure:
                context.reporter.say(f"failed: {spec.name}: {failure}")
                failures.append(Failure(spec.name, "prepare", str(failure)))
            advance(1)
    return known, failures


def _contenders(planned: list[Cell], outcomes: list[Outcome], context: Context) -> list[tuple[Cell, Contender]]:
    """Backends with nothing against them so far, each with the cell whose model it will use."""
    failed = {outcome.cell.backend.name for outcome in outcomes if outcome.reason and outcome.cell.condition == CLEAN}
    first = first_cells(planned)
    ready: dict[str, tuple[Cell, Contender]] = {}
    for cell in planned:
        name = cell.backend.name
        if name not in failed and name not in ready:
            ready[name] = cell, Contender(cell.backend, context.model(first[name]) if name in first else None)
    return list(ready.values())

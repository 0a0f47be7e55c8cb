"""Latency, cold start, memory and throughput, each phase with the machine to itself, under a key of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.cells import Cell, digest
from bench.clips import clips_hash
from bench.code import ROOT, Code, Present, meaning
from bench.config import Config
from bench.context import Context
from bench.errors import BenchError
from bench.machine import cpus, describe_others
from bench.phases.latency import Contender, Failure, latency, throughput
from bench.phases.predict import Facts
from bench.progress import Reporter
from bench.records.journal import kept, write_rows
from bench.records.schema import MEASURED

Rows = list[dict[str, Any]]
TIMING_SOURCES = (
    "bench/phases/latency.py",
    "bench/workers/parent.py",
    "bench/workers/supervisor.py",
    "bench/workers/child.py",
    "bench/workers/session.py",
    "bench/workers/held.py",
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One measuring phase: its files, and who failed in it."""

    tables: Mapping[str, Rows]
    failures: list[Failure]


def measure(
    config: Config,
    machine: dict[str, Any],
    cells: list[Cell],
    made_by: Mapping[str, Facts],
    contenders: list[tuple[Cell, Contender]],
    context: Context,
) -> tuple[dict[str, Any], list[Failure]]:
    """Run the phases that are not finished; returns the machine as it was when latency was measured, and who failed.

    ``context`` has the clips that times may be taken on; ``cells`` are the clean ones, ``made_by`` their code by key.
    """
    ready = [contender for _, contender in contenders]

    def timed(context: Context) -> Measured:
        tables: dict[str, Rows] = {"latency": [], "coldstart": [], "resources": []}
        failures: list[Failure] = []
        for threads in config.threads:
            share, failed = latency(config, threads, ready, context)
            tables["latency"] += share.calls
            tables["coldstart"] += share.starts
            tables["resources"] += share.memory
            failures += failed
        return Measured(tables, failures)

    def batched(context: Context) -> Measured:
        if not config.throughput_s:
            return Measured({"throughput": []}, [])
        rows, failures = throughput(config, ready, context)
        return Measured({"throughput": rows}, failures)

    phases: list[tuple[Callable[[Context], Measured], tuple[str, ...], tuple[Any, ...]]] = [
        (timed, ("latency", "coldstart", "resources"),
         (config.threads, config.latency_clips, config.processes, config.latency_round, config.warmup, config.seed)),
        (batched, ("throughput",), (config.throughput_s, config.throughput_audio_s)),
    ]  # fmt: skip
    most_threads = [each.known.job.limits.threads for each in ready]
    named = {each.known.name for each in ready}
    timed_cells = [(cell.key, made_by[cell.key]) for cell in cells if cell.backend.name in named]
    # Times of another machine, or of this one before it was started anew, are not this session's.
    identity = [machine[fact] for fact in ("cpu", "processor", "kernels", "host", "memory_bytes", "os", "boot_id")]
    method = [meaning(ROOT / source) for source in TIMING_SOURCES]
    failures = []
    for phase, names, settings in phases:
        key = digest(
            names, settings, most_threads, timed_cells, clips_hash(context.clips.table), cpus(), method, identity
        )
        paths = {name: context.folder / "records" / f"{name}.parquet" for name in names}
        done = [_held(path, key, context.reporter) for path in paths.values()]
        if None not in done:
            machine = next((facts["machine"] for facts in done if facts and "machine" in facts), machine)
            continue
        if "latency" in names:
            machine = {**machine, **describe_others()}
        here = replace(context, code=Code())
        measured = phase(here)
        for failure in measured.failures:
            context.reporter.say(f"failed: {failure.backend} in {failure.phase}: {failure.reason}")
        # A phase in which somebody failed is not taken as finished: the next run tries it again.
        stamp = f"incomplete {key}" if measured.failures else key
        for name, path in paths.items():
            facts = {**here.code.facts(), **({"machine": machine} if name == "latency" else {})}
            write_rows(path, iter(measured.tables[name]), MEASURED[name], stamp, facts)
        failures += measured.failures
    return machine, failures


def _held(path: Path, key: str, reporter: Reporter) -> Facts | None:
    """The facts of records that were made under ``key`` by code that is the same now; what is damaged is told."""
    try:
        records = kept(path)
    except BenchError as error:
        reporter.say(f"{error}; it is measured anew")
        return None
    return records.facts if records and records.key == key and not Present().changed(records.facts) else None

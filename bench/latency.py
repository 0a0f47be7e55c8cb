"""The phases that measure time and memory, each with the machine to itself.

Latency: the workers of all backends are loaded and stopped; in every round each is woken in turn, in a seeded order,
hears one untimed clip and then the round's clips, so that a drift of the machine meets all alike and any two backends
are paired clip by clip. Method after MLPerf's single-stream scenario (Reddi et al. 2020), interleaved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.accuracy import Place
from bench.config import Config
from bench.machine import cpus
from bench.plan import Known, entries
from bench.process import Worker, WorkerError
from bench.progress import Reporter
from bench.splits import Rows

GAIN = 1.05
"""A doubled batch must be this much faster to be worth doubling again."""
LARGEST_BATCH = 256


@dataclass(frozen=True, slots=True)
class Contender:
    """A backend ready to be timed: a trained one brings its fitted model."""

    known: Known
    model: Path | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A backend that dropped out of a phase."""

    backend: str
    phase: str
    reason: str


def sample(config: Config, clips: pd.DataFrame, count: int) -> Rows:
    """Distinct clips to time on, seeded: official test clips first, then any others."""
    official = (clips["official"] == "test").to_numpy(dtype=bool, na_value=False)
    draw = np.random.default_rng(config.seed).permutation
    return np.concatenate([draw(np.flatnonzero(official)), draw(np.flatnonzero(~official))])[:count]


def describe(contender: Contender, place: Place) -> dict[str, Any]:
    """What a loaded backend says of itself: settings, parameters, artifacts. Raises WorkerError."""
    with Worker(contender.known.job, place.log(contender.known), threads=1) as worker:
        worker.ask("create")
        worker.ask("load", **_model(contender))
        return worker.ask("describe")


def latency(
    config: Config, threads: int, contenders: list[Contender], clips: pd.DataFrame, place: Place, reporter: Reporter
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[Failure]]:
    """Interleaved latency at one thread count: rows for LATENCY, rows for RESOURCES, and who failed."""
    rows: list[dict[str, Any]] = []
    resources: list[dict[str, Any]] = []
    failures: list[Failure] = []
    drawn = list(entries(clips, sample(config, clips, config.latency_clips + config.warmup), place.audio))
    listed, warmup = drawn[: config.latency_clips], drawn[len(drawn) - config.warmup :]
    if not listed:
        return rows, resources, failures
    with ExitStack() as stack, reporter.task(f"latency, {_count(threads)}", len(listed) * len(contenders)) as advance:
        workers: dict[str, Worker] = {}
        idle: dict[str, int] = {}
        for contender in contenders:
            name = contender.known.name
            try:
                worker = stack.enter_context(_pinned(contender, place, threads))
                idle[name] = worker.ask("idle")["rss_bytes"]
                worker.ask("create")
                worker.ask("load", **_model(contender))
                list(worker.stream("predict", clips=warmup))
                worker.pause()
                workers[name] = worker
            except WorkerError as failure:
                failures.append(Failure(name, "latency", str(failure)))
        for number, turn, name in _turns(list(workers), listed, config):
            if name not in workers:
                continue
            try:
                rows += _turn(workers[name], turn, listed, name, threads, number)
                advance(len(turn))
            except WorkerError as failure:
                failures.append(Failure(name, "latency", str(failure)))
                workers.pop(name).close()
        for name, worker in workers.items():
            try:
                worker.resume()
                peak = worker.ask("peak")["rss_bytes"]
            except (WorkerError, ProcessLookupError) as failure:
                failures.append(Failure(name, "latency", str(failure)))
                continue
            resources.append(
                {"backend": name, "threads": threads, "peak_rss_bytes": peak, "idle_rss_bytes": idle[name]}
            )
    failed = {failure.backend for failure in failures}
    return [row for row in rows if row["backend"] not in failed], resources, failures


def coldstart(
    config: Config, contenders: list[Contender], clips: pd.DataFrame, place: Place, reporter: Reporter
) -> tuple[list[dict[str, Any]], list[Failure]]:
    """Fresh processes up to their first prediction, on all cores, backends in turn: rows for COLDSTART."""
    rows: list[dict[str, Any]] = []
    failures: dict[str, Failure] = {}
    listed = list(entries(clips, sample(config, clips, config.coldstart), place.audio))
    with reporter.task("cold start", config.coldstart * len(contenders)) as advance:
        for repeat in range(config.coldstart):
            clip = listed[repeat % len(listed)]
            for contender in contenders:
                name = contender.known.name
                if name in failures:
                    continue
                try:
                    with _pinned(contender, place, len(cpus())) as worker:
                        created = worker.ask("create")
                        loaded = worker.ask("load", **_model(contender))
                        first = worker.ask("predict", clips=[clip])
                except WorkerError as failure:
                    failures[name] = Failure(name, "coldstart", str(failure))
                    continue
                rows.append(
                    {
                        "backend": name,
                        "repeat": repeat,
                        "start_s": worker.start_s,
                        "import_s": created["import_s"],
                        "load_s": loaded["load_s"],
                        "first_s": first["resample_s"] + first["predict_s"],
                    }
                )
                advance(1)
    return [row for row in rows if row["backend"] not in failures], list(failures.values())


def throughput(
    config: Config, contenders: list[Contender], clips: pd.DataFrame, place: Place, reporter: Reporter
) -> tuple[list[dict[str, Any]], list[Failure]]:
    """Clips per second of ``predict_batch`` on all cores, the batch doubled while that pays: rows for THROUGHPUT."""
    rows: list[dict[str, Any]] = []
    failures = []
    listed = list(entries(clips, sample(config, clips, 4 * LARGEST_BATCH), place.audio))
    with reporter.task("throughput", len(contenders)) as advance:
        for contender in contenders:
            try:
                with _pinned(contender, place, len(cpus())) as worker:
                    worker.ask("create")
                    worker.ask("load", **_model(contender))
                    rows += _doubled(config, contender.known.name, worker, listed)
            except WorkerError as failure:
                failures.append(Failure(contender.known.name, "throughput", str(failure)))
            advance(1)
    return rows, failures


def _doubled(config: Config, name: str, worker: Worker, listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    best, batch, stale = 0.0, 1, 0
    worker.ask("predict_batch", clips=listed[:2], batch=2)  # warm-up
    while batch <= min(LARGEST_BATCH, len(listed)) and stale < 2:
        reply = worker.ask("predict_batch", clips=listed, batch=batch, seconds=config.throughput_s)
        rate = reply["clips"] / max(reply["predict_s"], 1e-9)
        stale = 0 if rate > GAIN * best else stale + 1
        best = max(best, rate)
        yield {"backend": name, "threads": len(cpus()), "batch": batch, **reply}
        batch *= 2


def _turns(names: list[str], listed: list[dict[str, Any]], config: Config) -> Iterator[tuple[int, range, str]]:
    """Whose turn it is, on which clips: every backend once a round, in an order drawn anew."""
    order = np.random.default_rng(config.seed)
    for number, start in enumerate(range(0, len(listed), config.latency_round)):
        turn = range(start, min(start + config.latency_round, len(listed)))
        for name in order.permutation(names):
            yield number, turn, str(name)


def _turn(
    worker: Worker, turn: range, listed: list[dict[str, Any]], name: str, threads: int, number: int
) -> list[dict[str, Any]]:
    """One untimed clip to warm the caches again, then the turn's own."""
    heard = [listed[turn.start - 1], *listed[turn.start : turn.stop]]
    worker.resume()
    replies = list(worker.stream("predict", clips=heard))
    worker.pause()
    return [
        {"backend": name, "threads": threads, "round": number, "warmup": place == 0}
        | {column: reply[column] for column in ("clip", "audio_s", "resample_s", "features_s", "predict_s")}
        for place, reply in enumerate(replies)
    ]


def _pinned(contender: Contender, place: Place, threads: int) -> Worker:
    allowed = cpus()
    return Worker(contender.known.job, place.log(contender.known), threads, cpus=allowed[-threads:])


def _model(contender: Contender) -> Mapping[str, str]:
    return {"model": str(contender.model)} if contender.model else {}


def _count(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"

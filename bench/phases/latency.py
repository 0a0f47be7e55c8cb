"""The phases that measure time and memory, each with the machine to itself.

Latency: the workers of all backends are loaded and stopped; in every round each is woken in turn, in a seeded order,
hears one untimed clip and then the round's clips, so that a drift of the machine meets all alike and any two backends
are paired clip by clip. The clips are shared out over several such sittings, each with fresh processes: a process is
a little faster or slower for as long as it lives, by where its memory came to lie (Mytkowicz et al. 2009). The start
of each is the cold start.
Method after MLPerf's single-stream scenario (Reddi et al. 2020), interleaved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.cells import Known
from bench.clips import Clip, Clips, told
from bench.config import Config
from bench.context import Context
from bench.machine import cpus
from bench.workers.parent import Worker, WorkerError
from bench.workers.ready import begin, ready

GAIN = 1.05
"""A doubled batch must be this much faster to be worth doubling again."""
LARGEST_BATCH = 256
STAGES = ("resample_s", "front_s", "features_s", "predict_s")


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


@dataclass(frozen=True, slots=True)
class Sitting:
    """A share of the timed clips, heard by fresh processes of all backends."""

    process: int
    threads: int
    clips: list[Clip]
    warmup: list[Clip]


@dataclass(frozen=True, slots=True)
class Timed:
    """What the latency phase writes down: rows for LATENCY, COLDSTART and RESOURCES."""

    calls: list[dict[str, Any]]
    starts: list[dict[str, Any]]
    memory: list[dict[str, Any]]


def sample(config: Config, clips: Clips, count: int) -> list[Clip]:
    """Distinct clips to time on, seeded: official test clips first, then any others."""
    official = (clips.table["official"] == "test").to_numpy(dtype=bool, na_value=False)
    draw = np.random.default_rng(config.seed).permutation
    rows = np.concatenate([draw(np.flatnonzero(official)), draw(np.flatnonzero(~official))])[:count]
    return list(clips.at(rows))


def describe(contender: Contender, context: Context) -> dict[str, Any]:
    """What a loaded backend says of itself: settings, parameters, artifacts. Raises WorkerError."""
    job, log = contender.known.job, context.log(contender.known)
    with ready(job, log, threads=1, model=contender.model, code=context.code) as (worker, _):
        described = worker.ask("describe")
    most = contender.known.job.limits.threads
    return described | {"settings": described["settings"] | ({"most_threads": most} if most else {})}


def latency(config: Config, threads: int, contenders: list[Contender], context: Context) -> tuple[Timed, list[Failure]]:
    """Interleaved latency at one thread count, with the start and the memory of every process; and who failed."""
    timed = Timed([], [], [])
    failures: list[Failure] = []
    count = clip_count(config, threads)
    drawn = sample(config, context.clips, count + config.warmup)
    listed, warmup = drawn[:count], drawn[len(drawn) - config.warmup :]
    with context.reporter.task(f"latency, {_count(threads)}", len(listed) * len(contenders)) as advance:
        for process in range(min(config.processes, len(listed))):
            sitting = Sitting(process, threads, listed[process :: config.processes], warmup)
            failed = {failure.backend for failure in failures}
            ready = [contender for contender in contenders if contender.known.name not in failed]
            failures += _sit(sitting, config, ready, context, timed, advance)
    failed = {failure.backend for failure in failures}
    tables = (timed.calls, timed.starts, timed.memory)
    return Timed(*([row for row in rows if row["backend"] not in failed] for rows in tables)), failures


def clip_count(config: Config, threads: int) -> int:
    """Timed calls of a backend: a quarter of them at any but the largest thread count, which the summary shows."""
    return config.latency_clips if threads == max(config.threads, default=threads) else -(-config.latency_clips // 4)


def _sit(
    sitting: Sitting,
    config: Config,
    contenders: list[Contender],
    context: Context,
    timed: Timed,
    advance: Callable[[int], None],
) -> list[Failure]:
    """One fresh process for each backend, and their turns."""
    failures: list[Failure] = []
    idle = _idle(contenders[0], context, sitting.threads) if contenders else 0
    with ExitStack() as stack:
        workers: dict[str, Worker] = {}
        for contender in contenders:
            name = contender.known.name
            try:
                worker = stack.enter_context(_pinned(contender, context, sitting.threads))
                timed.starts.append(_started(contender, worker, sitting))
                timed.calls.extend(_calls(worker, sitting, name, -1, sitting.warmup, len(sitting.warmup)))
                worker.pause()
                workers[name] = worker
            except WorkerError as failure:
                failures.append(Failure(name, "latency", str(failure)))
        for number, turn, name in _turns(sitting, list(workers), config):
            if name not in workers:
                continue
            try:
                timed.calls.extend(_turn(workers[name], sitting, number, turn, name))
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
            of = {"backend": name, "threads": sitting.threads, "process": sitting.process}
            timed.memory.append({**of, "peak_rss_bytes": peak, "idle_rss_bytes": idle})
    return failures


def _idle(contender: Contender, context: Context, threads: int) -> int:
    """Memory of a worker without a backend: of its own process, since a cold start must not find these imports done."""
    try:
        with _pinned(contender, context, threads) as worker:
            return int(worker.ask("idle")["rss_bytes"])
    except WorkerError:  # nothing of the backend's is in it: the backend will fail again, and say why
        return 0


def _started(contender: Contender, worker: Worker, sitting: Sitting) -> dict[str, Any]:
    """Cold start: import, load, first prediction, of a clip that is not timed later where there is one."""
    begun = begin(worker, contender.known.job, contender.model)
    first = worker.ask("predict", clips=told([*sitting.warmup, *sitting.clips][:1]))
    return {
        "backend": contender.known.name,
        "threads": sitting.threads,
        "process": sitting.process,
        "start_s": worker.start_s,
        "import_s": begun["import_s"],
        "load_s": begun["load_s"],
        "first_s": first["resample_s"] + first["predict_s"],
    }


def throughput(
    config: Config, contenders: list[Contender], context: Context
) -> tuple[list[dict[str, Any]], list[Failure]]:
    """Clips per second of ``predict_batch`` on all cores, the batch doubled while that pays: rows for THROUGHPUT."""
    rows: list[dict[str, Any]] = []
    failures = []
    listed = _bounded(sample(config, context.clips, 4 * LARGEST_BATCH), context, config.throughput_audio_s)
    with context.reporter.task("throughput", len(contenders)) as advance:
        for contender in contenders:
            try:
                with _pinned(contender, context, len(cpus())) as worker:
                    begin(worker, contender.known.job, contender.model)
                    rows += _doubled(config, contender.known.name, worker, listed)
            except WorkerError as failure:
                failures.append(Failure(contender.known.name, "throughput", str(failure)))
            advance(1)
    return rows, failures


def _bounded(listed: list[Clip], context: Context, seconds: float) -> list[Clip]:
    """The first clips that together last so long at most, the very first in any case."""
    table = context.clips.table.set_index("clip")
    lengths = (table["samples"] / table["sample_rate"]).reindex([clip.id for clip in listed])
    return listed[: max(1, int((lengths.cumsum() <= seconds).sum()))]


def _doubled(config: Config, name: str, worker: Worker, listed: list[Clip]) -> Iterator[dict[str, Any]]:
    best, batch, stale = 0.0, 1, 0
    worker.ask("predict_batch", clips=told(listed[:2]), batch=len(listed[:2]))  # warm-up
    while batch <= min(LARGEST_BATCH, len(listed)) and stale < 2:
        reply = worker.ask("predict_batch", clips=told(listed), batch=batch, seconds=config.throughput_s)
        rate = reply["clips"] / max(reply["predict_s"], 1e-9)
        stale = 0 if rate > GAIN * best else stale + 1
        best = max(best, rate)
        yield {"backend": name, "threads": len(cpus()), "batch": batch, **reply}
        batch *= 2


def _turns(sitting: Sitting, names: list[str], config: Config) -> Iterator[tuple[int, range, str]]:
    """Whose turn it is, on which clips: every backend once a round, in an order drawn anew."""
    order = np.random.default_rng([config.seed, sitting.process])
    for number, start in enumerate(range(0, len(sitting.clips), config.latency_round)):
        turn = range(start, min(start + config.latency_round, len(sitting.clips)))
        for name in order.permutation(names):
            yield number, turn, str(name)


def _turn(worker: Worker, sitting: Sitting, number: int, turn: range, name: str) -> list[dict[str, Any]]:
    """One untimed clip to warm the caches again, then the turn's own."""
    worker.resume()
    clips = [sitting.clips[turn.start - 1], *sitting.clips[turn.start : turn.stop]]
    rows = _calls(worker, sitting, name, number, clips, 1)
    worker.pause()
    return rows


def _calls(
    worker: Worker, sitting: Sitting, name: str, number: int, clips: list[Clip], untimed: int
) -> list[dict[str, Any]]:
    """Rows for LATENCY; the first ``untimed`` are marked as warm-up."""
    of = {"backend": name, "threads": sitting.threads, "process": sitting.process, "round": number}
    return [
        {**of, "warmup": place < untimed} | {column: reply[column] for column in ("clip", "audio_s", *STAGES)}
        for place, reply in enumerate(worker.stream("predict", clips=told(clips)))
    ]


def _pinned(contender: Contender, context: Context, threads: int) -> Worker:
    allowed = cpus()
    return Worker(contender.known.job, context.log(contender.known), threads, allowed[-threads:], code=context.code)


def _count(threads: int) -> str:
    return "1 thread" if threads == 1 else f"{threads} threads"

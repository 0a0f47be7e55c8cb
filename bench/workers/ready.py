"""The one way to a worker that is ready to work: backend made, weights prepared where asked, loaded, model restored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

from bench.code import Code
from bench.names import Name
from bench.workers.parent import Job, Worker, WorkerError


@contextmanager
def ready(
    job: Job,
    log: Path,
    threads: int,
    *,
    model: Path | None = None,
    prepare: bool = False,
    cpus: Sequence[int] = (),
    stop: Event | None = None,
    code: Code | None = None,
) -> Iterator[tuple[Worker, Mapping[str, Any]]]:
    """A worker, and what it said on the way: ``trained``, ``import_s``, ``load_s``.

    ``model`` is what a trained backend restores. With ``prepare`` it may fetch weights first; after that, no connection
    is allowed. The others are Worker's. Raises WorkerError.
    """
    with Worker(job, log, threads, cpus=cpus, offline=not prepare, stop=stop, code=code) as worker:
        yield worker, begin(worker, job, model, prepare)


def begin(worker: Worker, job: Job, model: Path | None = None, prepare: bool = False) -> Mapping[str, Any]:
    """The same in a worker that is there. Raises WorkerError."""
    facts = make(worker, job)
    if prepare:
        worker.ask("prepare", describe=False)
    return facts | worker.ask("load", **({"model": str(model)} if model else {}))


def make(worker: Worker, job: Job) -> dict[str, Any]:
    """A worker's first step. Raises WorkerError, also for a zero-shot backend that is to learn from copies of clips."""
    made = worker.ask("create")
    name = Name.parse(job.spec.name)
    if name.copies and not made["trained"]:
        raise WorkerError(f"{name.plain} is zero-shot: it cannot learn from {name.copies[0]} copies")
    return made

"""What can be known to go wrong before a clip is read: names, options, packages, threads, and where to write."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from backends import BackendError, Spec, registry
from bench import tasks
from bench.cells import find, job, specs
from bench.conditions import Resources, apply, parse
from bench.config import Config, option_tables
from bench.errors import BenchError
from bench.machine import cpus
from bench.making import refusal, unable, unknown
from bench.workers.parent import Worker, WorkerError

RATE = 8_000


def check(config: Config, out: Path) -> None:
    """Raises BenchError where a run into ``out``, or a folder of that, cannot succeed."""
    check_threads(config)
    check_folder(out)
    check_backends(config)
    check_conditions(config)


def check_threads(config: Config) -> None:
    """Raises BenchError for more threads than processors."""
    most = len(cpus())
    if excess := [count for count in config.threads if count > most]:
        raise BenchError(f"threads {excess[0]}: more than the {most} processors here; give 1 to {most}")


def check_folder(out: Path) -> None:
    """Raises BenchError if no file can be written to ``out``, which need not be there. Leaves nothing behind."""
    try:
        there = next(place for place in (out, *out.absolute().parents) if _there(place))
        if not there.is_dir():
            raise BenchError(f"--out {out}: {there} is {'not a folder' if there.exists() else 'a link to nowhere'}")
        with TemporaryDirectory(dir=there, prefix=".digitbench-"):
            pass
    except OSError as error:
        raise BenchError(f"--out {out}: {error.filename or out}: {error.strerror}; name another folder") from error


def _there(place: Path) -> bool:
    try:
        place.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def check_backends(config: Config) -> None:
    """Raises BenchError, naming every backend that cannot be made as ``config`` asks, and options that it lacks."""
    chosen = specs(config)
    refused = [f"{spec.name} {reason}" for spec in chosen if (reason := _refusal(config, spec))]
    if refused:
        raise BenchError("; ".join(refused))
    for name in config.backend:
        used = any(name in option_tables(spec.name) for spec in chosen)
        if not used and option_tables(name)[0] in registry():
            _check_unused(config, name)


def _check_unused(config: Config, name: str) -> None:
    """Options of a backend that is not chosen: their names, and that of its variant."""
    spec = find(name)
    options = job(config, spec).options
    wrong = refusal(spec.load(), spec.variant, config.vocabulary, options) if spec.variant else ""
    if wrong := unknown(spec.load(), options) or wrong:
        raise BenchError(f"{name} {wrong}")


def _refusal(config: Config, spec: Spec) -> str:
    """Why a backend cannot be made; empty if it can. What is not of this house is asked in a process of its own."""
    wanted, task = job(config, spec), tasks.find(config.task)
    if spec.target.startswith("backends."):
        try:
            backend = spec.load()
            wrong = unable(backend, config.task, task.closed)
            return wrong or refusal(backend, spec.variant, config.vocabulary, wanted.options)
        except BackendError as error:
            return f"cannot be used: {error}"
    with TemporaryDirectory() as folder:
        try:
            with Worker(wanted, Path(folder) / "log", threads=1) as worker:
                return str(worker.ask("refusal")["refusal"])
        except WorkerError:
            return ""  # it crashed or hung: the run's to record


def check_conditions(config: Config) -> None:
    """Try each on a second of noise. Raises BenchError for a file that cannot be used, or a package that is missing."""
    audio = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    resources = Resources.find()
    for condition in map(parse, config.conditions):
        if condition.name.lower() != "babble":  # made of the clips, which are not read yet
            apply(condition, audio, RATE, clip="", resources=resources)

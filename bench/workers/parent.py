"""The parent's end of a worker: start it, ask it, notice when it fails, hangs or dies."""

from __future__ import annotations

import json
import os
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

from backends import Spec
from bench.code import Code
from bench.workers import supervisor
from bench.workers.caches import caches
from bench.workers.supervisor import descendants, send

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ROOT = Path(__file__).resolve().parent.parent.parent
SUPERVISOR = str(Path(supervisor.__file__).resolve())

LOOK_S = 0.2
"""How often a wait looks at the clock and at ``stop``."""
DEATH_S = 5.0
"""How long a worker that closed its pipe may take to be gone."""
LONGEST_REPLY = 1 << 26
LONGEST_LOG, KEPT_LOG = 50_000_000, 5_000_000
"""Bytes of a log; beyond, only the last are kept."""


class StoppedError(Exception):
    """The run is being stopped; the journals keep what was predicted."""


class WorkerError(Exception):
    """The worker raised, died or hung; the message says which, and where. ``reason`` leaves out where."""

    def __init__(self, reason: str, doing: str = "") -> None:
        super().__init__(f"{reason}, in {doing}" if doing else reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What one backend may take: seconds for a single step (prepare, load, fit, a prediction or a batch run), bytes of
    memory, and threads where it is not to have all that are given: some are quicker on one."""

    step_s: float = 900.0
    memory_bytes: int = 8_000_000_000
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A backend as a worker is to make it."""

    spec: Spec
    vocabulary: Mapping[str, Sequence[str]]
    options: Mapping[str, Any]
    limits: Limits = Limits()
    task: str = "bench.tasks.classification:Classification"
    """What is asked of it: ``module:Class`` or ``file.py:Class``."""


class Worker:
    """A fresh process for one backend. Use as a context manager; leaving kills it and all that it started.

    Between the two stands a supervisor, a small process that ends whatever the worker started once either is gone.
    """

    def __init__(
        self,
        job: Job,
        log: Path,
        threads: int,
        cpus: Sequence[int] = (),
        offline: bool = True,
        stop: Event | None = None,
        code: Code | None = None,
    ) -> None:
        """``cpus`` pins the process to these processors, empty leaves it to the scheduler; ``stop``, once set, makes
        whoever waits for a reply raise StoppedError; ``code`` takes in what the process runs."""
        self.code = Code() if code is None else code
        self._log = log
        self._limits = job.limits
        self._stop = stop
        self._buffer = bytearray()
        self._doing = "start"
        self._seal = ""
        log.parent.mkdir(parents=True, exist_ok=True)
        pinned = ",".join(map(str, cpus)) if hasattr(os, "sched_setaffinity") else ""
        life, self._life = os.pipe()
        command_out, self._commands = os.pipe()
        self._replies, reply_in = os.pipe()
        theirs = (life, command_out, reply_in)
        os.set_blocking(self._commands, False)
        launched = time.monotonic()
        with log.open("ab") as output:
            self._supervisor = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", SUPERVISOR, str(life), pinned, str(command_out), str(reply_in)),
                    *(sys.executable, "-P", "-m", "bench.workers.child"),
                ],
                env=_environment(min(threads, job.limits.threads or threads), offline),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=theirs,
                start_new_session=True,  # Ctrl-C reaches the parent alone
            )
        for descriptor in theirs:
            os.close(descriptor)
        try:
            started = self._next()
            self.pid: int = started["pid"]
            self._start_s: float = started["at"] - launched
            self._hand_over(job)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def start_s(self) -> float:
        """From launching the interpreter to the worker's first line."""
        return self._start_s

    def ask(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """One command with one reply. Raises WorkerError."""
        replies = list(self.stream(operation, **arguments))
        return replies[0] if replies else {}

    def stream(self, operation: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """One command, its replies as they come. Raises WorkerError."""
        self._doing = operation
        self._send(json.dumps({"op": operation, **arguments}).encode() + b"\n")
        while "end" not in (reply := self._next()):
            if "clip" in reply:
                self._doing = f"{operation}, after clip {reply['clip']}"
            yield reply

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._supervisor.poll() is None

    def limit(self, step_s: float) -> None:
        """From now on a step may take this many seconds."""
        self._limits = replace(self._limits, step_s=step_s)

    def pause(self) -> None:
        """Stop it, and what it started, where it is: idle workers must not spin while another one is timed."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Undo ``pause``."""
        self._signal(signal.SIGCONT)

    def close(self) -> None:
        """Kill the process and everything it started."""
        for descriptor in (self._life, self._commands, self._replies):
            with suppress(OSError):
                os.close(descriptor)
        self._life = self._commands = self._replies = -1
        self._supervisor.send_signal(signal.SIGCONT)  # whoever stopped it
        self._supervisor.wait()

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the worker's group and to whatever has left it, until no process is new."""
        if self._supervisor.poll() is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        sent: set[int] = set()
        while fresh := [pid for pid in descendants(self._supervisor.pid) if pid not in sent]:
            send(number, fresh)
            sent.update(fresh)

    def _hand_over(self, job: Job) -> None:
        """The job, and the seal of its replies, go through the pipe: arguments and environment are public."""
        self._seal = secrets.token_hex(8)
        content = {
            "name": job.spec.name,
            "target": job.spec.target,
            "variant": job.spec.variant,
            "vocabulary": {label: list(spoken) for label, spoken in job.vocabulary.items()},
            "options": dict(job.options),
            "task": job.task,
            "memory_limit_bytes": job.limits.memory_bytes,
            "seal": self._seal,
        }
        self._send(json.dumps(content).encode() + b"\n")

    def _send(self, data: bytes) -> None:
        view, deadline = memoryview(data), time.monotonic() + self._limits.step_s
        while view:
            try:
                view = view[os.write(self._commands, view) :]
            except BlockingIOError:
                self._look(deadline)
                select.select([], [self._commands], [], LOOK_S)
            except BrokenPipeError:
                raise self._dead() from None

    def _look(self, deadline: float) -> None:
        """While waiting: raise if the run is stopped, the worker is gone, or its time is up."""
        if self._stop and self._stop.is_set():
            raise StoppedError
        if self._supervisor.poll() is not None and not select.select([self._replies], [], [], 0)[0]:
            raise self._dead()
        if time.monotonic() > deadline:
            raise WorkerError(f"no answer within the time limit of {self._limits.step_s:g} s in {self._doing}")

    def _next(self) -> dict[str, Any]:
        """The next reply. Raises WorkerError if it is an error, or something else wrote into the pipe."""
        line = self._line()
        _shorten(self._log)
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or message.pop("seal", "") != self._seal:
            raise WorkerError(f"the backend wrote into the harness's own pipe in {self._doing}: {line[:40]!r}")
        if "loaded" in message:
            self.code.loaded(**message.pop("loaded"))
        if "error" in message:
            raise WorkerError(message["error"], self._doing)
        return message

    def _line(self) -> bytes:
        deadline = time.monotonic() + self._limits.step_s
        searched = 0
        while (cut := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if searched > LONGEST_REPLY:
                raise WorkerError(f"a reply of more than {LONGEST_REPLY / 1e6:.0f} MB in {self._doing}")
            if searched or (self._stop and self._stop.is_set()):
                self._look(deadline)
            ready, _, _ = select.select([self._replies], [], [], LOOK_S)
            if not ready:
                _shorten(self._log)
                self._look(deadline)
                continue
            received = os.read(self._replies, 1 << 16)
            if not received:
                raise self._dead()
            self._buffer += received
        line = bytes(self._buffer[:cut])
        del self._buffer[: cut + 1]
        return line

    @property
    def _output(self) -> str:
        """The log as it is told: in a run's own folder, wherever that may be moved, or elsewhere."""
        return f"logs/{self._log.name}" if self._log.parent.name == "logs" else str(self._log)

    def _dead(self) -> WorkerError:
        try:
            code = self._supervisor.wait(DEATH_S)  # it ends as the worker did
        except subprocess.TimeoutExpired:
            return WorkerError(f"the process closed its pipe in {self._doing}; its output is in {self._output}")
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        return WorkerError(f"the process {how} in {self._doing}; its output is in {self._output}")


def _shorten(log: Path) -> None:
    """Keep the end of a log that has grown too long; its writers append."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > LONGEST_LOG:
            with log.open("r+b") as file:
                file.seek(-KEPT_LOG, os.SEEK_END)
                end = file.read(KEPT_LOG)
                file.truncate(0)
            with log.open("ab") as file:
                file.write(b"[what came before is cut off: a log holds %d MB]\n" % (LONGEST_LOG // 1_000_000) + end)


def _environment(threads: int, offline: bool) -> dict[str, str]:
    # The working folder comes last: a project of the user's may have a `bench` of its own.
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")]), str(Path.cwd())])
    fixed = {"TOKENIZERS_PARALLELISM": "false", "PYTHONHASHSEED": "0", "PYTHONPATH": path}
    hub = {"HF_HUB_OFFLINE": "1"} if offline else {}
    return {**os.environ, **caches(os.environ), **fixed, **hub, **dict.fromkeys(THREAD_VARIABLES, str(threads))}

"""The parent's end of a worker: start it, ask it, notice when it fails, hangs or dies."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, Self

from backends import Spec
from bench.code import Code

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
ROOT = Path(__file__).resolve().parent.parent


LOOK_S = 0.2
"""How often a wait looks at the clock and at ``stop``."""


class StoppedError(Exception):
    """The run is being stopped; the journals keep what was predicted."""


class WorkerError(Exception):
    """The worker raised, died or hung; the message says which, and where."""


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


class Worker:
    """A fresh process for one backend. Use as a context manager; leaving kills the process."""

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
        arguments = {
            "name": job.spec.name,
            "target": job.spec.target,
            "variant": job.spec.variant,
            "vocabulary": {label: list(spoken) for label, spoken in job.vocabulary.items()},
            "options": dict(job.options),
            "memory_limit_bytes": job.limits.memory_bytes,
        }
        command_out, self._commands = os.pipe()
        self._replies, reply_in = os.pipe()
        log.parent.mkdir(parents=True, exist_ok=True)
        launched = time.monotonic()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "bench.worker", json.dumps(arguments), str(command_out), str(reply_in)],
                env=_environment(min(threads, job.limits.threads or threads), offline),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(command_out, reply_in),
                start_new_session=True,  # Ctrl-C reaches the parent alone
            )
        os.close(command_out)
        os.close(reply_in)
        self.pid = self._process.pid
        if cpus and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._process.pid, cpus)
        os.set_blocking(self._commands, False)
        try:
            self._start_s: float = self._next()["at"] - launched
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

    def pause(self) -> None:
        """Stop it, and what it started, where it is: idle workers must not spin while another one is timed."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Undo ``pause``."""
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill the process and everything it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for descriptor in (self._commands, self._replies):
            with suppress(OSError):
                os.close(descriptor)
        self._commands = self._replies = -1

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
        if self._process.poll() is not None and not select.select([self._replies], [], [], 0)[0]:
            raise self._dead()
        if time.monotonic() > deadline:
            raise WorkerError(f"no answer within the time limit of {self._limits.step_s:g} s in {self._doing}")

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + self._limits.step_s
        while (cut := self._buffer.find(b"\n")) < 0:
            if self._stop and self._stop.is_set():
                raise StoppedError
            ready, _, _ = select.select([self._replies], [], [], LOOK_S)
            if not ready:
                self._look(deadline)
                continue
            received = os.read(self._replies, 1 << 16)
            if not received:
                raise self._dead()
            self._buffer += received
        line = bytes(self._buffer[:cut])
        del self._buffer[: cut + 1]
        message: dict[str, Any] = json.loads(line)
        if "loaded" in message:
            self.code.loaded(**message.pop("loaded"))
        if "error" in message:
            raise WorkerError(f"{message['error']}, in {self._doing}")
        return message

    def _dead(self) -> WorkerError:
        try:
            code = self._process.wait(LOOK_S)
        except subprocess.TimeoutExpired:
            return WorkerError(f"the process closed its pipe in {self._doing}; its output is in logs/{self._log.name}")
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        return WorkerError(f"the process {how} in {self._doing}; its output is in logs/{self._log.name}")


def _environment(threads: int, offline: bool) -> dict[str, str]:
    # The working folder comes last: a project of the user's may have a `bench` of its own.
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")]), str(Path.cwd())])
    fixed = {"TOKENIZERS_PARALLELISM": "false", "PYTHONHASHSEED": "0", "PYTHONPATH": path}
    hub = {"HF_HUB_OFFLINE": "1"} if offline else {}
    return {**os.environ, **fixed, **hub, **dict.fromkeys(THREAD_VARIABLES, str(threads))}

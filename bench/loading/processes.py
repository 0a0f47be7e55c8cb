"""Fresh processes: loaders that answer, and programs that run once, with what they took."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.workers.parent import ROOT

LIMIT_S = 180.0
"""The longest that anything may take."""
PEAK = "\nprint('peak', open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
"""What a program says last: its own peak in kB. What the system says of a child counts what it was forked of, too."""
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def surroundings(**more: str) -> dict[str, str]:
    """The environment of a process: one thread, and this checkout's packages."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **THREADS, "PYTHONPATH": path, **more}


class Child:
    """A loader that answers (``bench.loading.child``). One that dies or hangs is started anew by the next question."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, limit_s: float = LIMIT_S, **request: Any) -> dict[str, Any]:
        """One answer; ``error`` and ``died`` where there is none."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.loading.child", self._name], env=surroundings(),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            if not self._line(limit_s):
                return self._dead("does not start")
        assert self._process.stdin
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            return self._dead("died")
        line = self._line(limit_s)
        return json.loads(line) if line else self._dead(f"died, or took longer than {limit_s:g} s")

    def close(self) -> None:
        """End the process."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _line(self, limit_s: float) -> bytes:
        assert self._process and self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], limit_s)
        return self._process.stdout.readline() if ready else b""

    def _dead(self, how: str) -> dict[str, Any]:
        code = self._process.poll() if self._process else None
        self.close()
        return {"error": how if code is None else f"{how}, exit code {code}", "died": True}


@contextmanager
def children(names: Sequence[str]) -> Iterator[Mapping[str, Child]]:
    """A child for each name, ended on leaving."""
    by_name = {name: Child(name) for name in names}
    try:
        yield by_name
    finally:
        for child in by_name.values():
            child.close()


def once(program: str, *arguments: str, given: str = "", env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run a Python program to its end: seconds of wall and processor, peak bytes, what it printed, or its error."""
    with TemporaryDirectory() as folder:
        out, err, into = (Path(folder) / name for name in ("out", "err", "in"))
        into.write_text(given)
        with into.open() as stdin, out.open("w") as stdout, err.open("w") as stderr:
            began = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, *(("-m", program) if program.startswith("bench.") else ("-c", program)), *arguments],
                stdin=stdin, stdout=stdout, stderr=stderr, env=dict(env or surroundings()), start_new_session=True,
            )  # fmt: skip
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.kill()
                raise
            process.returncode = os.waitstatus_to_exitcode(status)
        answer: dict[str, Any] = {
            "wall": [time.perf_counter() - began],
            "cpu": [usage.ru_utime + usage.ru_stime],
            "printed": out.read_text(errors="replace"),
        }
        last = answer["printed"].rpartition("peak ")[2].strip()
        answer["peak"] = int(last) * 1024 if program.endswith(PEAK) and last.isdigit() else None
        if process.returncode:
            lines = err.read_text(errors="replace").strip().splitlines()
            answer["error"] = (lines[-1] if lines else f"exit code {process.returncode}")[:300]
        return answer


def new_install() -> tuple[TemporaryDirectory[str], dict[str, str]]:
    """An environment in which no bytecode and no code compiled by numba is found, as right after an install."""
    folder = TemporaryDirectory()
    empty = {name: str(Path(folder.name) / name) for name in ("PYTHONPYCACHEPREFIX", "NUMBA_CACHE_DIR")}
    env = surroundings(**empty)
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # writing it is part of a first start
    return folder, env

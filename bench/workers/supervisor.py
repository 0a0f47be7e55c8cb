"""Stands between the harness and a worker: when either of them ends, nothing that the worker started is left.

``python supervisor.py LIFE CPUS COMMANDS REPLIES PROGRAM...`` starts PROGRAM in a session of its own. Two descriptors
for it alone, COMMANDS and REPLIES, and this process's id are its last arguments. LIFE is the read end of a pipe whose
other end only the harness holds: it ends however the harness does. CPUS are processors to pin both to.
On Linux this process adopts whatever its descendants leave behind (it is their subreaper), so that no double fork and
no ``setsid`` leads out of its tree. It ends as the command did. Run as a script, by an interpreter without
site-packages: it is there once for every worker, and imports what it needs.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import sys
import time
from contextlib import suppress

GIVE_UP_S = 10.0
"""How long what cannot be killed (another user's process, one that waits for a dead disk) is tried again."""
ENDING = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
SET_DUMPABLE, SET_CHILD_SUBREAPER = 4, 36  # of prctl(2)


def descendants(ancestor: int) -> list[int]:
    """Processes below one, parents first, as /proc has them now; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for entry in os.scandir("/proc") if sys.platform == "linux" else ():
        if (name := entry.name).isdigit():
            with suppress(OSError), open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123 - pathlib is slow to import
                parent = int(file.read().rpartition(b")")[2].split()[1])  # the name before it may hold anything
                children.setdefault(parent, []).append(int(name))
    found = [ancestor]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def send(number: int, pids: list[int]) -> None:
    """A signal to each process that is still there and may be sent one."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def main() -> None:
    """Start the program, wait for it or for the harness to end, and end everything below."""
    life, cpus, pipes, program = int(sys.argv[1]), sys.argv[2], sys.argv[3:5], sys.argv[5:]
    os.set_inheritable(life, False)
    if cpus:
        os.sched_setaffinity(0, map(int, cpus.split(",")))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(SET_CHILD_SUBREAPER, 1)
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, *ENDING):
        signal.signal(number, lambda *_: None)
    worker = _start([*program, *pipes, str(os.getpid())])
    for pipe in pipes:
        os.close(int(pipe))
    status = _watch(worker, life, wake)
    _end(worker)
    _end_alike(status)


def _start(command: list[str]) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        os.execv(command[0], command)
    finally:
        os._exit(127)


def _watch(worker: int, life: int, wake: int) -> int:
    """Reap what ends until that is the worker, or the harness; returns the worker's wait status, 0 if it goes on."""
    while True:
        ready, _, _ = select.select([life, wake], [], [])
        if life in ready or set(os.read(wake, 1024)) & set(ENDING):
            return 0
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                if ended[0] == worker:
                    return ended[1]


def _end(worker: int) -> None:
    """Kill everything below, until this process has no child left: what loses its parent becomes one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(worker, signal.SIGKILL)  # all that can be done where there is no /proc
    until = time.monotonic() + GIVE_UP_S
    while time.monotonic() < until:
        send(signal.SIGKILL, descendants(os.getpid()))
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)
    print("still running, not to be killed:", *descendants(os.getpid()), file=sys.stderr, flush=True)


def _end_alike(status: int) -> None:
    """End with the worker's exit code or by its signal, without a core file of this process."""
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(SET_DUMPABLE, 0)
        with suppress(OSError, ValueError):
            signal.signal(-code, signal.SIG_DFL)  # not for SIGKILL, which needs none
        os.kill(os.getpid(), -code)
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()

"""The child process: takes the commands of the parent, lets a session obey them, and keeps it within limits.

A supervisor starts ``python -m bench.workers.child COMMANDS REPLIES PARENT``: two file descriptors that carry one JSON
object a line, the job first, and the supervisor's process id. Standard output and error belong to the backend and end
in its log.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.workers.session import Message, Session, brief
from bench.workers.watch import Watch


def main() -> None:
    """Serve commands until the parent closes the pipe; after an error, say so and end."""
    began = time.monotonic()
    pipes = [int(descriptor) for descriptor in sys.argv[1:3]]
    for descriptor in pipes:
        os.set_inheritable(descriptor, False)
    os.register_at_fork(after_in_child=lambda: _leave(pipes))
    _die_with(int(sys.argv[3]))
    with os.fdopen(pipes[0], encoding="utf-8") as commands, os.fdopen(pipes[1], "w") as replies:
        seal: Message = {}

        def reply(message: Message) -> None:
            replies.write(json.dumps(seal | message) + "\n")
            replies.flush()

        reply({"at": began, "pid": os.getpid()})
        job = json.loads(commands.readline())
        seal = {"seal": job.pop("seal")}
        _limit_memory(job["memory_limit_bytes"])
        online = _network_guard()
        watch = Watch(str(Path(__file__).resolve().parent.parent.parent))
        session = Session(job, watch)
        for line in commands:
            request = json.loads(line)
            operation = request.pop("op")
            online(operation == "prepare" or session.online)
            try:
                for message in getattr(session, operation)(**request):
                    reply(message)
            except MemoryError:
                limit = job["memory_limit_bytes"] / 1e6
                reply({"error": f"out of memory: it wanted more than the limit of {limit:,.0f} MB"})
                return
            except Exception as error:
                reply({"error": brief(error)})
                raise  # the traceback belongs in the log
            reply({"end": operation, **watch.news()})


def _leave(pipes: list[int]) -> None:
    """What a backend forks neither answers in this process's place nor takes its commands: it reads the end of them."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in pipes:
        os.dup2(nowhere, descriptor, inheritable=False)
    os.close(nowhere)


def _limit_memory(limit: int) -> None:
    # RLIMIT_DATA counts private writable memory; RLIMIT_AS would also count the weights that torch merely maps.
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


def _die_with(parent: int) -> None:
    """End when the parent does, even if it has done so already."""
    if sys.platform == "linux":
        parent_death_signal = 1
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _network_guard() -> Callable[[bool], None]:
    """Refuse look-ups and connections made by Python code; returns the switch that allows them."""
    allowed = False

    def switch(online: bool) -> None:
        nonlocal allowed
        allowed = online

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if allowed or event not in ("socket.connect", "socket.getaddrinfo"):
            return
        address = arguments[1] if event == "socket.connect" else arguments[0]
        if event == "socket.getaddrinfo" or not isinstance(address, str | bytes):  # a path is a local socket
            raise ConnectionRefusedError(f"no network once a run has begun: {address}")

    sys.addaudithook(refuse)
    return switch


if __name__ == "__main__":
    main()

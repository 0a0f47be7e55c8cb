"""Signals that ask a command to stop end it as Ctrl-C does, whoever sends them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PATIENCE_S = 10.0
"""How long clean-up goes on before a further signal interrupts it."""


@contextmanager
def stoppable() -> Iterator[None]:
    """Within, SIGINT, SIGTERM and SIGHUP raise KeyboardInterrupt; whatever comes of that, the exit code is then 128 and
    the signal's number. Those that follow soon are for what is being stopped already. One that is ignored (nohup)
    stays so.
    """
    asked: list[tuple[int, float]] = []

    def ask(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if asked and now - asked[-1][1] < PATIENCE_S:
            return
        asked.append((number, now))
        if number == signal.SIGHUP:
            _leave_terminal()
        raise KeyboardInterrupt

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    handlers = {number: signal.getsignal(number) for number in ASKING}
    before = {number: handler for number, handler in handlers.items() if handler not in (signal.SIG_IGN, None)}
    for number in before:
        signal.signal(number, ask)
    try:
        yield
    except BaseException:
        if not asked:
            restore()
            raise
    if asked:
        for number in before:
            signal.signal(number, signal.SIG_IGN)  # the interpreter's own clean-up is still to come
        sys.exit(128 + asked[0][0])
    restore()


def _leave_terminal() -> None:
    """Where the terminal is gone, what is printed goes nowhere instead of failing."""
    for descriptor in (1, 2):
        try:
            os.write(descriptor, b"")
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, descriptor)
            os.close(nowhere)

"""How a run tells what it is doing: bars with an ETA on a terminal, plain lines elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from bench.printable import printable, shortened

Advance = Callable[[int], None]


class Reporter(Protocol):
    """Where progress goes; safe to use from several threads."""

    def say(self, line: str) -> None:
        """One line for people, whatever it holds."""

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Advance]:
        """A piece of work of ``total`` steps; call the yielded function with the number of steps done."""

    @contextmanager
    def wait(self, title: str) -> Iterator[None]:
        """A piece of work of unknown length, such as a fit."""


@contextmanager
def counted(reporter: Reporter, title: str) -> Iterator[Callable[[int, int], None]]:
    """A task that begins, and learns how much there is to do, at its first step: call it with steps done, of all."""
    with ExitStack() as stack:
        advance: Advance | None = None

        def progress(done: int, total: int) -> None:
            nonlocal advance
            if done <= 1 or advance is None:
                stack.close()
                advance = stack.enter_context(reporter.task(title, total))
            advance(1)

        yield progress


class Plain:
    """A line when a task begins and ends, and every half minute in between."""

    def __init__(self, console: Console, every_s: float = 30.0, patience_s: float = 2.0) -> None:
        self._console = console
        self._every_s = every_s
        self._patience_s = patience_s

    def say(self, line: str) -> None:
        """Print it."""
        self._console.print(printable(line, lines=True), highlight=False, markup=False, emoji=False, soft_wrap=True)

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Advance]:
        """See Reporter."""
        began = said = time.monotonic()
        done = 0

        def advance(steps: int) -> None:
            nonlocal done, said
            done += steps
            now = time.monotonic()
            if now - said >= self._every_s and done < total:
                said = now
                left = (now - began) * (total - done) / max(done, 1)
                self.say(f"{title}: {done}/{total}, about {left:,.0f} s left")

        yield advance
        self.say(f"{title}: {done}/{total} in {time.monotonic() - began:.1f} s")

    @contextmanager
    def wait(self, title: str) -> Iterator[None]:
        """Say so once it lasts, again every half minute, and at the end."""
        began, over = time.monotonic(), threading.Event()

        def tell() -> None:
            pause = self._patience_s
            while not over.wait(pause):
                self.say(f"{title}: {time.monotonic() - began:,.0f} s so far")
                pause = self._every_s

        teller = threading.Thread(target=tell, daemon=True)
        teller.start()
        try:
            yield
        finally:
            over.set()
            teller.join()
        if (lasted := time.monotonic() - began) > self._patience_s:
            self.say(f"{title}: {lasted:.1f} s")


class Bars:
    """One bar per task under way; a finished task leaves a line."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._progress: Progress | None = None

    def say(self, line: str) -> None:
        """Print above the bars."""
        self._console.print(printable(line, lines=True), highlight=False, markup=False, emoji=False)

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Advance]:
        """See Reporter."""
        with self._bar(title, total) as advance:
            yield advance

    @contextmanager
    def wait(self, title: str) -> Iterator[None]:
        """See Reporter."""
        with self._bar(title, None):
            yield

    @contextmanager
    def _bar(self, title: str, total: int | None) -> Iterator[Advance]:
        progress = self._started()
        bar = progress.add_task(shortened(title, 40), total=total)
        try:
            yield lambda steps: progress.advance(bar, steps)
        finally:
            progress.remove_task(bar)
            with self._lock:
                if progress.finished and not progress.tasks:
                    progress.stop()
                    self._progress = None

    def _started(self) -> Progress:
        with self._lock:
            if self._progress is None:
                columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), _Steps())
                self._progress = Progress(*columns, console=self._console, transient=True)
                self._progress.start()
            return self._progress


class _Steps(TimeRemainingColumn):
    """Steps done and the time left, where it is known how many there are."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text("so far")
        return Text(f"{int(task.completed)}/{int(task.total)} left ") + super().render(task)


def reporter(console: Console) -> Reporter:
    """Bars if ``console`` is a terminal, plain lines if not."""
    return Bars(console) if console.is_terminal else Plain(console)

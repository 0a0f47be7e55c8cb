"""Showing a session in a terminal: as lines of JSON, as plain lines, or as a screen with a meter and bars."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import IO, Final, Protocol

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from bench.live import events
from bench.live.scores import best
from bench.printable import printable
from bench.terminal import Console, write

TOP: Final = 3
NARROW: Final = 100
"""Columns below which there is room for the likeliest label alone."""
BAR, METER, RECENT = 8, 30, 8
PAINTS_A_SECOND: Final = 12
LOWEST_DB: Final = -70.0
STAGES: Final = ("device", "vad", "queue", "features", "model", "confirm", "paint")


class View(Protocol):
    """Where events are shown."""

    def show(self, event: events.Event, told_at: float) -> None:
        """Show one that was told at a time of ``time.monotonic``."""

    def pause(self) -> None:
        """Nothing is there to be shown for now."""

    def __enter__(self) -> View: ...
    def __exit__(self, *error: object) -> None: ...


class Lines:
    """A JSON object a line, flushed: every event but levels."""

    def __init__(self, out: IO[str] | None = None) -> None:
        self._out = out

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is open."""

    def pause(self) -> None:
        """Nothing waits."""

    def show(self, event: events.Event, told_at: float) -> None:
        if isinstance(event, events.Level):
            return
        line = events.line(_painted(event, told_at) if isinstance(event, events.Answer) else event)
        if self._out is None:
            write(line)
        else:
            self._out.write(line + "\n")
            self._out.flush()


class Plain(Lines):
    """A line for each final answer, and for what goes wrong."""

    def show(self, event: events.Event, told_at: float) -> None:
        match event:
            case events.Answer(final=True):
                write(answer_line(_painted(event, told_at)))
            case events.Lane(state="down" | "unusable"):
                write(printable(f"{event.backend}: {event.state}, {event.reason}"), err=True)


class Screen:
    """A meter, a row of bars for each backend, and what was said last."""

    def __init__(self, backends: Sequence[str], title: str, help: str, console: Console | None = None) -> None:
        self._backends, self._title, self._help = tuple(backends), printable(title), help
        self._live = Live(console=console or Console(), auto_refresh=False, transient=False)
        self._states = dict.fromkeys(backends, "starting")
        self._answers: dict[str, events.Answer] = {}
        self._level = events.Level(0.0, events.QUIETEST_DB, 0.0, False)
        self._recent: dict[int, dict[str, str]] = {}
        self._labels: dict[int, str | None] = {}
        self._drawn = 0.0
        self._due = True

    def __enter__(self) -> Screen:
        self._live.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._draw()
        self._live.stop()

    def pause(self) -> None:
        """Draw what is new, if it is time."""
        if self._due and time.monotonic() - self._drawn > 1 / PAINTS_A_SECOND:
            self._draw()

    def show(self, event: events.Event, told_at: float) -> None:
        self._due = True
        match event:
            case events.Level():
                self._level = event
                return self.pause()
            case events.Lane():
                self._states[event.backend] = event.state
            case events.Answer():
                self._answers[event.backend] = _painted(event, told_at)
                words = self._recent.setdefault(event.utterance, {})
                words[event.backend] = _word(event) if event.final else f"{_word(event)}?"
                while len(self._recent) > RECENT:
                    del self._recent[next(iter(self._recent))]
            case events.Corrected():
                self._labels[event.utterance] = event.label
        return self._draw()

    def _draw(self) -> None:
        self._drawn, self._due = time.monotonic(), False
        self._live.update(Group(*self._parts()), refresh=True)

    def _parts(self) -> list[Text | Table]:
        loud = (max(LOWEST_DB, self._level.level_db) - LOWEST_DB) / -LOWEST_DB
        meter = _bar(min(1.0, loud), METER)
        state = "speech" if self._level.speaking else "listening"
        head = Text(f"{self._title}\n{meter} {self._level.level_db:6.1f} dB  {state}")
        table = Table(box=None, pad_edge=False, show_header=False)
        for folding in (True, False, False, True):  # bars and their numbers stay on a line
            table.add_column(no_wrap=not folding)
        most = TOP if self._live.console.width >= NARROW else 1
        for name in self._backends:
            answer = self._answers.get(name)
            if self._states[name] != "ready" or answer is None:
                table.add_row(printable(name), "", self._states[name], "")
            else:
                word = Text(_word(answer), style="bold" if answer.final else "dim")
                table.add_row(printable(name), word, _bars(answer.scores, most), _stages(answer))
        recent = Text("\n".join(self._recent_line(number) for number in self._recent), style="dim")
        return [head, Text(), table, Text(), recent, Text(self._help, style="dim")]

    def _recent_line(self, number: int) -> str:
        words = ", ".join(f"{printable(name)} {word}" for name, word in self._recent[number].items())
        label = self._labels.get(number)
        return f"{number}: {words}" + ("" if label is None else f"  (it was {printable(label)})")


def answer_line(answer: events.Answer) -> str:
    """Number, backend, answer, scores and latency, with tabs between."""
    scores = ", ".join(f"{name} {score:.3f}" for name, score in best(answer.scores, TOP))
    parts = [str(answer.utterance), answer.backend, _word(answer), scores, _stages(answer)]
    return "\t".join(map(printable, filter(None, parts)))


def _painted(answer: events.Answer, told_at: float) -> events.Answer:
    """With the time until it is shown."""
    if answer.latency_s is None:
        return answer
    paint = time.monotonic() - told_at
    total = answer.latency_s["total"] + paint
    return replace(answer, latency_s={**answer.latency_s, "paint": paint, "total": total})


def _word(answer: events.Answer) -> str:
    if answer.state != "answered":
        return answer.state
    return answer.label if answer.label is not None else "no digit" if answer.text is None else repr(answer.text)


def _bars(scores: Mapping[str, float] | None, most: int) -> str:
    return "  ".join(f"{printable(name)} {_bar(score, BAR)} {score:.2f}" for name, score in best(scores, most))


def _bar(share: float, width: int) -> str:
    full = round(width * share)
    return "█" * full + "·" * (width - full)


def _stages(answer: events.Answer) -> str:
    times = answer.latency_s
    if answer.state != "answered" or not times:
        return answer.error or ""
    parts = " + ".join(f"{name} {1e3 * times[name]:.0f}" for name in STAGES if times.get(name, 0) >= 5e-4)
    return f"{1e3 * times['total']:.0f} ms = {parts}"

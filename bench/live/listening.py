"""``digitbench live``: a source, lanes and a session, shown in a terminal."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event, Thread
from types import MappingProxyType
from typing import Final

from bench.errors import BenchError
from bench.live import events
from bench.live.keys import keys
from bench.live.lanes import STEP_S, Candidate, open_lanes
from bench.live.saving import Folder
from bench.live.session import Session
from bench.live.source import Source
from bench.live.view import Lines, Plain, Screen, View
from bench.printable import printable
from bench.terminal import Console, write
from sound.activity import detectors
from sound.segment import WORDS

DRAIN_S: Final = 30.0
QUIT, UNDO, TALK = "q", "u", "\n"


@dataclass(frozen=True, slots=True)
class Listening:
    """What ``digitbench live`` was asked for."""

    candidates: Sequence[Candidate]
    vocabulary: Mapping[str, Sequence[str]]
    source: Source
    save: Path | None = None
    speaker: str = ""
    json: bool = False
    push_to_talk: bool = False
    detector: str = "auto"
    threads: int = 1
    step_s: float = STEP_S


def listen(asked: Listening) -> None:
    """Hear the source to its end, or until q or Ctrl-C. Raises BenchError where nothing can be heard or answered."""
    inbox: queue.SimpleQueue[tuple[float, events.Event | BenchError | None]] = queue.SimpleQueue()
    stop = Event()

    def tell(event: events.Event) -> None:
        inbox.put((time.monotonic(), event))

    folder = None if asked.save is None else Folder(asked.save)
    try:
        make = detectors(asked.detector)
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise BenchError(f"--vad {asked.detector}: {error}; pip install 'digitbench[live]'") from error
    with open_lanes(asked.candidates, tell, threads=asked.threads, step_s=asked.step_s) as lanes:
        if not asked.json:
            write(printable(f"starting {', '.join(lanes.names)}"), err=True)
        while not lanes.wait(0.2):
            pass
        unusable = {state.backend: state.reason for state in lanes.states() if state.state == "unusable"}
        if len(unusable) == len(lanes.names):
            raise BenchError("; ".join(f"{name}: {reason}" for name, reason in unusable.items()))
        for name, reason in unusable.items():
            write(printable(f"{name}: left out, {reason}"), err=True)
        source = asked.source
        session = Session(
            lanes,
            make,
            source.rate,
            tell,
            cutting=replace(WORDS, listening=not asked.push_to_talk),
            save=folder,
            source=source.name,
            speaker=asked.speaker,
        )
        thread = Thread(target=_feed, args=(source, session, stop, inbox.put), name="source", daemon=True)
        thread.start()
        try:
            with _view(asked, lanes.names) as view, keys() as pressed:
                controls = Controls(session, correctable(list(asked.vocabulary)))
                while not controls.quit:
                    for key in pressed.pressed():
                        controls.press(key)
                    try:
                        at, event = inbox.get(timeout=0.05)
                    except queue.Empty:
                        view.pause()
                        continue
                    if isinstance(event, BenchError):
                        raise event
                    if event is None:
                        break
                    controls.hear(event)
                    view.show(event, at)
                if controls.quit:
                    stop.set()
                    session.finish()
                session.drain(DRAIN_S)
                tell(events.Source(source.name, source.rate, source.dropped))
                while not inbox.empty():
                    at, event = inbox.get()
                    if event is not None and not isinstance(event, BenchError):
                        view.show(event, at)
        finally:
            stop.set()
            session.close()
            thread.join(2.0)


class Controls:
    """What keys do: Enter talks and ends it, a label's key says what the last utterance was, u takes that back."""

    def __init__(self, session: Session, labels: Mapping[str, str]) -> None:
        self.quit = False
        self._session, self._labels = session, labels
        self._last: int | None = None
        self._talking = False

    def hear(self, event: events.Event) -> None:
        """Remember which utterance is the last."""
        if isinstance(event, events.Cut) and event.final:
            self._last = event.utterance

    def press(self, key: str) -> None:
        """Do what a key is for."""
        if key == QUIT and QUIT not in self._labels:
            self.quit = True
        elif key == TALK:
            self._talking = not self._talking
            self._session.press() if self._talking else self._session.release()
        elif self._last is not None and (key in self._labels or key == UNDO):
            self._session.correct(self._last, self._labels.get(key))


def correctable(labels: Sequence[str]) -> Mapping[str, str]:
    """Key -> label: labels of one letter have that, the others the digits and letters that are free, in order."""
    letters = {label: label for label in labels if len(label) == 1}
    free = [key for key in "1234567890abcdefghijklmnoprstvwxyz" if key not in letters]
    others = [label for label in labels if len(label) != 1]
    return MappingProxyType({**letters, **dict(zip(free, others, strict=False))})


def _view(asked: Listening, names: Sequence[str]) -> View:
    if asked.json:
        return Lines()
    console = Console()
    if not console.is_terminal:
        return Plain()
    labels = correctable(list(asked.vocabulary))
    which = ", ".join(key if key == label else f"{key} {label}" for key, label in labels.items())
    how = "ENTER: talk, ENTER again: done" if asked.push_to_talk else "speak; or ENTER: talk, ENTER again: done"
    text = f"{how}.  That was a: {printable(which)}; {UNDO}: take back.  {QUIT}: quit"
    return Screen(names, f"{asked.source.name}, {asked.source.rate:,} Hz", text, console)


def _feed(
    source: Source,
    session: Session,
    stop: Event,
    put: Callable[[tuple[float, events.Event | BenchError | None]], None],
) -> None:
    """From the source into the session; None, or what went wrong, is the last that is told."""
    try:
        for number, block in enumerate(source.blocks(stop)):
            if not number:
                put((time.monotonic(), events.Source(source.name, source.rate, 0)))
            session.push(block.samples, block.captured)
        if not stop.is_set():
            session.finish()
        put((time.monotonic(), None))
    except BenchError as error:
        put((time.monotonic(), error))

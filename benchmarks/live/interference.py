"""What a classical answer takes while stock Whisper beside it is idle, runs, hangs (SIGSTOP) or dies (SIGKILL)."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from queue import SimpleQueue
from threading import Event
from typing import Any

from bench.audio import write
from bench.configfile import read_config
from bench.live import events
from bench.live.candidates import candidates
from bench.live.lanes import Lane, open_lanes
from bench.live.session import Session
from bench.live.source import Recording
from benchmarks.live.sounds import digits
from sound.activity import detectors

RATE = 48_000
QUICK, STOCK = "mfcc-lite", "faster-whisper:tiny.en"
STEP_S = 3.0
EVERY = 4
"""Utterances between two signals."""
TREATMENTS = ("alone", "runs", "hangs", "dies")


def measure(folder: Path, count: int) -> dict[str, Any]:
    """A row for each digit and treatment: seconds from the cut to the answer of ``QUICK``."""
    recording = digits(count, RATE)
    path = folder / "digits.wav"
    write(path, recording.audio, RATE)
    rows = [row for treatment in TREATMENTS for row in _answers(path, treatment)]
    return {"digits": count, "quick": QUICK, "stock": STOCK, "step_s": STEP_S, "rows": rows}


def _answers(path: Path, treatment: str) -> list[dict[str, Any]]:
    names = (QUICK,) if treatment == "alone" else (QUICK, STOCK)
    queue: SimpleQueue[events.Event] = SimpleQueue()
    with open_lanes(candidates(read_config(None), names), step_s=STEP_S) as lanes:
        lanes.wait()
        stock = next((lane for lane in lanes.lanes if lane.name == STOCK), None)
        source = Recording(path)
        session = Session(lanes, detectors(), source.rate, queue.put)
        rows = list[dict[str, Any]]()
        for block in source.blocks(Event()):
            session.push(block.samples, block.captured)
            while not queue.empty():
                event = queue.get()
                rows += _row(event, treatment)
                if isinstance(event, events.Cut) and event.final and event.utterance % EVERY == 0:
                    _signal(stock, treatment)
        session.finish()
        session.drain(STEP_S + 1)
        while not queue.empty():
            rows += _row(queue.get(), treatment)
        session.close()
    return rows


def _row(event: events.Event, treatment: str) -> list[dict[str, Any]]:
    if not isinstance(event, events.Answer) or not event.final:
        return []
    times = event.latency_s or {}
    answer_s = sum(times.get(stage, 0.0) for stage in ("queue", "features", "model"))
    row = {"treatment": treatment, "utterance": event.utterance, "backend": event.backend, "state": event.state}
    return [row | {"answer_s": answer_s if event.state == "answered" else None}]


def _signal(stock: Lane | None, treatment: str) -> None:
    if stock is not None and stock.pid is not None and treatment in ("hangs", "dies"):
        os.kill(stock.pid, signal.SIGSTOP if treatment == "hangs" else signal.SIGKILL)

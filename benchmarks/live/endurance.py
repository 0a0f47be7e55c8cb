"""Half an hour of one session: memory of this process and of the worker, utterances heard.

Time is not kept: the sound is pushed as fast as it is answered.
"""

from __future__ import annotations

import time
from typing import Any

import psutil

from bench.configfile import read_config
from bench.live import events
from bench.live.candidates import candidates
from bench.live.lanes import open_lanes
from bench.live.session import Session
from benchmarks.live.sounds import digits
from sound.activity import detectors

RATE, BLOCK = 48_000, 480
BACKEND = "mfcc-lite"


def measure(minutes: float, count: int) -> dict[str, Any]:
    """Memory after each minute of sound, in bytes."""
    said = digits(count, RATE)
    counts = {"utterances": 0, "answered": 0}
    cut = False

    def tell(event: events.Event) -> None:
        nonlocal cut
        if isinstance(event, events.Cut) and event.final:
            counts["utterances"] += 1
            cut = True
        if isinstance(event, events.Answer) and event.final:
            counts["answered"] += event.state == "answered"

    memory = list[dict[str, float]]()
    began = time.monotonic()
    with open_lanes(candidates(read_config(None), (BACKEND,))) as lanes:
        lanes.wait()
        session = Session(lanes, detectors(), RATE, tell)
        processes = {"session": psutil.Process(), "worker": psutil.Process(lanes.lanes[0].pid)}
        total = round(minutes * 60 * RATE)
        for place in range(0, total, BLOCK):
            start = place % (len(said.audio) - BLOCK)
            session.push(said.audio[start : start + BLOCK])
            if cut:
                cut = not session.drain(30)
            if place % (60 * RATE) < BLOCK:
                memory.append({name: each.memory_info().rss for name, each in processes.items()})
        session.finish()
        session.drain(30)
        session.close()
    return {"minutes": minutes, "wall_s": time.monotonic() - began, "memory": memory, **counts}

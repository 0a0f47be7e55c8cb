"""Sound and lanes for tests of live use."""

from __future__ import annotations

from pathlib import Path
from queue import SimpleQueue

import numpy as np

from bench.cells import find, job
from bench.config import Config
from bench.configfile import read_config
from bench.live.lanes import Candidate, Reply
from sound import Audio
from sound.activity import RATE
from sound.segment import Segment
from sound.stream import to_grid
from tests.bench.running import VOCABULARY

PEOPLE = Path(__file__).with_name("people.py")


def config() -> Config:
    """Three words, and limits that end quickly."""
    return read_config(None, {"vocabulary": VOCABULARY})


def candidate(name: str) -> Candidate:
    """A backend of people.py."""
    return Candidate(job(config(), find(f"{PEOPLE}:{name}")))


def beep(level: float = 0.2, seconds: float = 0.4, rate: int = RATE) -> Audio:
    """A tone that counts as speech."""
    return (level * np.sin(2 * np.pi * 300 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def hush(seconds: float, rate: int = RATE, seed: int = 0) -> Audio:
    """A room in which nobody speaks."""
    return np.random.default_rng(seed).normal(0, 0.0005, round(seconds * rate)).astype(np.float32)


def utterance(number: int, level: float = 0.2) -> Segment:
    """A beep with context."""
    audio = to_grid(np.concatenate((hush(0.3), beep(level), hush(0.1))))
    onset = round(0.3 * RATE)
    return Segment(number, 0, onset, onset + round(0.4 * RATE), audio)


def collect(replies: SimpleQueue[Reply], count: int, timeout: float = 60) -> dict[tuple[str, int], Reply]:
    """That many replies, by backend and utterance."""
    taken = [replies.get(timeout=timeout) for _ in range(count)]
    return {(reply.backend, reply.segment.utterance): reply for reply in taken}


class Gate:
    """Speech is what is louder than the hush of these tests."""

    name = "gate"

    def score(self, hop: Audio) -> float:
        return float(np.abs(hop).max() > 0.05)

    def reset(self) -> None:
        """Nothing is kept."""

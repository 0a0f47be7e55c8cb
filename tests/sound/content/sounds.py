"""Sounds that are what they are, and a detector that says what it was told."""

from __future__ import annotations

import numpy as np

from sound import Audio
from sound.activity import RATE


class Told:
    """Scores hops as a list has it, and 0 after its end."""

    name = "told"

    def __init__(self, scores: list[float]) -> None:
        self._scores = scores
        self.reset()

    def score(self, hop: Audio) -> float:
        self._next += 1
        return self._scores[self._next - 1] if self._next <= len(self._scores) else 0.0

    def reset(self) -> None:
        self._next = 0


def noise(seconds: float, seed: int = 0, rms: float = 0.05) -> Audio:
    return np.random.default_rng(seed).normal(0, rms, round(seconds * RATE)).astype(np.float32)


def tone(hertz: float, seconds: float, size: float = 0.3) -> Audio:
    return (size * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)

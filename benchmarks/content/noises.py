"""Noise of known kind: recordings of the noise folder, music and effects, and what can be made; two halves of each.

The first half of a recording (of a set of short files: every other file) is for fitting and choosing, the rest for
reporting. A kind is what it was learned from: ``machine`` is one exercise bike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.audio import read
from bench.conditions.noise import coloured
from benchmarks.speech import RATE, seeded
from sound import Audio
from sound.resample import resample

RECORDINGS = {
    "doing_the_dishes": "clatter", "running_tap": "water", "exercise_bike": "machine", "dude_miaowing": "cry",
}  # fmt: skip
EFFECTS = {"ambi": "music", "bass": "music", "arovane": "music", "drum": "drum"}
MADE_S = 20.0
RMS = 0.05
PARTS = ("dev", "test")


@dataclass(frozen=True, slots=True)
class Noise:
    """One piece of one kind, at 16 kHz."""

    name: str
    kind: str
    audio: Audio


def noises(data: Path, part: str) -> Iterator[Noise]:
    """Every noise of a part. Raises BenchError for a file that cannot be read."""
    half = PARTS.index(part)
    for path in sorted((data / "noise").glob("*.wav")):
        audio = _load(path)
        middle = len(audio) // 2
        yield Noise(path.stem, RECORDINGS[path.stem], audio[middle * half : middle * (half + 1)])
    for path in sorted((data / "nonspeech").glob("*.flac"))[half::2]:
        yield Noise(path.stem, EFFECTS[path.stem.partition("_")[0]], _load(path))
    for name, slope in (("white", 0.0), ("pink", 1.0)):
        yield Noise(name, "hiss", _level(coloured(round(MADE_S * RATE), RATE, slope, seeded(part, name))))
    yield Noise("mains", "hum", _level(_mains(seeded(part, "mains"))))


def _load(path: Path) -> Audio:
    audio, rate = read(path)
    return resample(audio, rate, RATE)


def _mains(rng: np.random.Generator) -> Audio:
    """50 or 60 Hz and its harmonics, in a little pink noise."""
    time = np.arange(round(MADE_S * RATE)) / RATE
    base = rng.choice([50.0, 60.0])
    tones = [
        rng.uniform(0.2, 1) / number * np.sin(2 * np.pi * (base * number * time + rng.random()))
        for number in range(1, 9)
    ]
    pink = coloured(len(time), RATE, 1.0, rng)
    hum: Audio = (np.sum(tones, axis=0) + 0.05 * pink / pink.std()).astype(np.float32)
    return hum


def _level(audio: NDArray[np.floating]) -> Audio:
    level: Audio = (audio * RMS / np.sqrt(np.mean(np.square(audio)))).astype(np.float32)
    return level

"""Less audio for the same words: no speech, nothing; long pauses shortened; what is left said faster.

``compress`` is a function of samples, for use before any recogniser. How hard it works is a number from 0, which
changes nothing, to 1, or one of three words for one. Pauses are told by level: a hop is quiet if it is much nearer to
the room than to the speech; that costs next to nothing, and pauses are only shortened, never taken out. Whether
anybody speaks at all is for a detector of speech to say (:mod:`sound.activity`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sound import Audio
from sound.activity import HOP, RATE, SPEECH, Detector
from sound.resample import resample
from sound.tempo import change_speed

LEVELS: Mapping[str, float] = MappingProxyType({"light": 0.3, "balanced": 0.6, "hard": 1.0})
"""Words for how hard."""
LEAD_S = 0.4
"""Silence that stays in front, where there is any: recognisers miss a first word that comes at once."""
EDGE_S = 0.1
"""Silence that stays at each side of speech, whatever is asked."""
BLOCK_S = 0.01
FADE_S = 0.005
QUIET_SHARE, LOUD_SHARE = 0.05, 0.9
NEARER = 0.35
"""Where between the room's level and the speech's, in dB, the line is drawn."""
LEAST_RANGE_DB = 12.0
"""Between room and speech; with less, no pause can be told."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Times:
    """What became of every moment: corresponding seconds, rising, in the recording and in what was made of it."""

    before: tuple[float, ...]
    after: tuple[float, ...]

    def original(self, seconds: ArrayLike) -> Floats:
        """When in the recording that was, which is now at ``seconds``: for the times of words that were recognised."""
        return np.interp(np.asarray(seconds, np.float64), self.after, self.before)

    def compressed(self, seconds: ArrayLike) -> Floats:
        """Where a moment of the recording is now; of what was taken out, where the cut is."""
        return np.interp(np.asarray(seconds, np.float64), self.before, self.after)


@dataclass(frozen=True, slots=True)
class Report:
    """What was done to a recording."""

    seconds: float
    kept_s: float
    speech: bool
    """Whether anybody speaks; without the gate it is not asked, and True."""
    pauses: int
    """How many were shortened."""
    cut_s: float
    """Taken out of them."""
    tempo: float

    @property
    def kept(self) -> float:
        """Share of the recording's length that is left."""
        return self.kept_s / self.seconds if self.seconds else 1.0


class Compressed(NamedTuple):
    """The samples that are left, their times, and what was done."""

    samples: Audio
    times: Times
    report: Report


def strength(rate: float | str) -> float:
    """How hard, as a number from 0 to 1. Raises ValueError for another number or word."""
    try:
        value = LEVELS[rate] if isinstance(rate, str) and rate in LEVELS else float(rate)
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1:
        raise ValueError(f"compression must be {', '.join(LEVELS)} or a number from 0 to 1, not {rate!r}")
    return value


def longest_pause_s(rate: float | str) -> float:
    """What pauses are shortened to: from 1 s where hardly anything is asked to 0.1 s."""
    return float(10 ** -strength(rate))


def tempo(rate: float | str) -> float:
    """How much faster it is said: as it was where less than a third is asked, 1.2 times at the hardest."""
    return 1 + 0.3 * max(0.0, strength(rate) - 1 / 3)


def compress(
    audio: Audio,
    sample_rate: int,
    rate: float | str = "balanced",
    *,
    detector: Detector | None = None,
    pause_s: float | None = None,
    faster: float | None = None,
) -> Compressed:
    """Shorten a recording, float32 mono, shape (samples,), by what its words can spare.

    ``rate``: how hard, from 0, the samples as they are, to 1; or light, balanced, hard. It chooses ``pause_s``, the
    longest pause left, and ``faster``, the tempo, where these are not given. ``detector``: with one, a recording in
    which nobody speaks becomes empty. A recording of which nothing can be told stays whole.

    Raises ValueError for an impossible rate, pause or tempo.
    """
    hard = strength(rate)
    longest = longest_pause_s(hard) if pause_s is None else pause_s
    speed = tempo(hard) if faster is None else faster
    if not longest > 0 or not 0.5 <= speed <= 3:
        raise ValueError(f"pause_s must be above 0 and faster from 0.5 to 3, not {longest!r} and {speed!r}")
    seconds = audio.size / sample_rate
    if not hard or not audio.size:
        return Compressed(audio, Times((0.0, seconds), (0.0, seconds)), Report(seconds, seconds, True, 0, 0.0, 1.0))
    if detector is not None and not spoken(audio, sample_rate, detector):
        return Compressed(audio[:0], Times((0.0, seconds), (0.0, 0.0)), Report(seconds, 0.0, False, 0, 0.0, 1.0))
    cuts = pauses(audio, sample_rate, longest)
    kept = without(audio, cuts, round(FADE_S * sample_rate))
    samples = change_speed(kept, sample_rate, speed) if speed != 1 else kept
    removed = sum(end - start for start, end in cuts)
    report = Report(seconds, samples.size / sample_rate, True, len(cuts), removed / sample_rate, speed)
    return Compressed(samples, _times(audio.size, cuts, sample_rate, kept.size / samples.size), report)


def spoken(audio: Audio, sample_rate: int, detector: Detector) -> bool:
    """Whether anybody speaks, as the detector says.

    It hears the loudest second first, and all only if there is no speech in that: where somebody speaks, a few hops do.
    """
    heard = resample(audio, sample_rate, RATE)
    hops = np.pad(heard, (0, -heard.size % HOP)).reshape(-1, HOP)
    loudest = int(np.square(hops).sum(axis=1).argmax())
    second = RATE // HOP
    return any(_speaks(part, detector) for part in (hops[max(0, loudest - second // 3) :][:second], hops))


def _speaks(hops: Audio, detector: Detector) -> bool:
    detector.reset()
    return any(detector.score(hop) >= SPEECH for hop in hops)


def pauses(audio: Audio, sample_rate: int, longest_s: float) -> list[tuple[int, int]]:
    """Samples (start, end) to take out, in order, so that no pause lasts longer than ``longest_s``.

    What stays of a pause is half at each side, at the very start LEAD_S, and never less than EDGE_S beside speech.
    """
    block = max(1, round(BLOCK_S * sample_rate))
    loud = _loud(audio, block)
    if not loud.any():
        return []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~loud, [False]]).astype(np.int8)))
    side = max(EDGE_S, longest_s / 2)
    found = []
    for start, end in edges.reshape(-1, 2):
        before = 0.0 if start == 0 else side
        after = max(LEAD_S, side) if start == 0 else 0.0 if end == loud.size else side
        first, last = start * block + round(before * sample_rate), end * block - round(after * sample_rate)
        if end == loud.size:
            last = audio.size - round(side * sample_rate) * (start == 0)
        if last - first >= block:
            found.append((int(first), int(last)))
    return found


def without(audio: Audio, cuts: list[tuple[int, int]], fade: int) -> Audio:
    """The samples that are left when the cuts are taken out, each joint faded over so many samples before it."""
    if not cuts:
        return audio
    ramp = np.linspace(0, 1, fade, endpoint=False, dtype=np.float32)
    parts, at = [], 0
    for start, end in cuts:
        part = audio[at:start].copy()
        length = min(fade, part.size, end - start)
        if length:
            part[-length:] = part[-length:] * (1 - ramp[:length]) + audio[end - length : end] * ramp[:length]
        parts.append(part)
        at = end
    return np.concatenate([*parts, audio[at:]])


def _loud(audio: Audio, block: int) -> NDArray[np.bool_]:
    """Which blocks are nearer to the speech's level than to the room's; all, where the two cannot be told apart."""
    blocks = audio[: max(1, audio.size // block) * block]
    power = np.square(blocks.reshape(-1, min(block, blocks.size)), dtype=np.float64).mean(axis=1)
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    room, speech = np.quantile(decibels, [QUIET_SHARE, LOUD_SHARE])
    if speech - room < LEAST_RANGE_DB:
        return np.ones(decibels.size, np.bool_)
    return np.asarray(decibels > room + NEARER * (speech - room))


def _times(size: int, cuts: list[tuple[int, int]], sample_rate: int, speed: float) -> Times:
    before, after, taken = [0.0], [0.0], 0
    for start, end in cuts:
        at = (start - taken) / speed / sample_rate
        before += [start / sample_rate, end / sample_rate]
        after += [at, at]
        taken += end - start
    before.append(size / sample_rate)
    after.append((size - taken) / speed / sample_rate)
    return Times(tuple(before), tuple(after))


class _Called(ModuleType):
    """``from sound import compress`` is this module, and can be called: importing ``sound`` need not load it."""

    def __call__(self, *given: Any, **named: Any) -> Compressed:
        return compress(*given, **named)


sys.modules[__name__].__class__ = _Called

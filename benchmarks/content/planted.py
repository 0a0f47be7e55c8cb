"""Recordings whose truth is planted: silence, noise, speech in noise, clean speech, joined at known places."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.conditions.noise import audible, mix
from benchmarks.content.noises import Noise, noises
from benchmarks.speech import RATE, Utterance, seeded, spread, utterances
from sound import Audio
from sound.activity import HOP
from sound.content import LABELS, analyse
from sound.content.scores import NOISE, SILENCE, SPOKEN
from sound.level import active_level, rms_level

SNRS_DB = (20.0, 10.0, 5.0, 0.0, -5.0)
SPEECH_NOISES = ("doing_the_dishes", "running_tap", "exercise_bike", "dude_miaowing", "white", "pink")
CLIPS = 4
"""Clips of speech for each noise and SNR."""
SILENCE_S, NOISE_S = 1.5, 2.0
ROOM_DB = -80.0
"""Level of silence: no zeros, so that it is not told by them."""
MARGIN_DB, HANGOVER_HOPS = 15.9, 6
COLLAR = 2
"""Hops either side of a joint, or of where speech begins or ends, that are not counted."""
UNKNOWN = -1
STRETCHES = {"in_noise": (2,), "beside": (1, 3), "clean": (5,)}
"""Speech in noise, noise alone before and after it, clean speech, by their places in a recording."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A recording and the truth of every hop, UNKNOWN near a joint. ``stretch`` tells pieces apart."""

    name: str
    noise: str
    kind: str
    snr_db: float
    audio: Audio
    truth: NDArray[np.int64]
    stretch: NDArray[np.int64]

    def within(self, name: str) -> NDArray[np.int64]:
        """The truth of one of STRETCHES, UNKNOWN elsewhere."""
        return np.where(np.isin(self.stretch, STRETCHES[name]), self.truth, UNKNOWN)


def planted(data: Path, part: str, clips_each: int = CLIPS) -> Iterator[Planted]:
    """Every noise at every SNR with ``clips_each`` clips of the part, taken in turn."""
    speech = spread(utterances(data, part))
    there = [noise for noise in noises(data, part) if noise.name in SPEECH_NOISES]
    place = 0
    for _ in range(clips_each):
        for snr_db in SNRS_DB:
            for noise in there:
                yield join(speech[place % len(speech)], noise, snr_db)
                place += 1


def join(clip: Utterance, noise: Noise, snr_db: float) -> Planted:
    """Silence, noise, speech in noise, noise, silence, clean speech, silence."""
    rng = seeded(clip.id, noise.name, snr_db)
    words = clip.audio()
    hops = len(words) // HOP
    words = words[: hops * HOP]
    around = round(NOISE_S * RATE) // HOP
    bed = _piece(noise.audio, (hops + 2 * around) * HOP, rng)
    padded = np.pad(words, (around * HOP, around * HOP))
    noisy = mix(padded, bed, snr_db, RATE)
    still = [_room(rng) for _ in range(3)]
    parts = [still[0], noisy, still[1], words, still[2]]
    spoken = speech_hops(words)
    truths = [
        np.full(len(still[0]) // HOP, SILENCE), np.full(around, NOISE), np.where(spoken, SPOKEN, NOISE),
        np.full(around, NOISE), np.full(len(still[1]) // HOP, SILENCE),
        np.where(spoken, SPOKEN, UNKNOWN), np.full(len(still[2]) // HOP, SILENCE),
    ]  # fmt: skip
    stretch = np.repeat(np.arange(len(truths)), [len(truth) for truth in truths])
    truth = collared(np.concatenate(truths))
    return Planted(clip.id, noise.name, noise.kind, snr_db, np.concatenate(parts), truth, stretch)


def speech_hops(words: Audio) -> NDArray[np.bool_]:
    """Where clean speech is active after ITU-T P.56: within 15.9 dB of its active level, or 200 ms before or after."""
    from scipy.ndimage import binary_dilation

    level = active_level(words, RATE)
    loud = np.array([rms_level(hop) > level - MARGIN_DB for hop in words[: len(words) // HOP * HOP].reshape(-1, HOP)])
    held: NDArray[np.bool_] = binary_dilation(loud, iterations=HANGOVER_HOPS // 2)
    return held


def collared(truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """Truth with COLLAR hops either side of every change UNKNOWN."""
    clear = truth.copy()
    for joint in np.flatnonzero(np.diff(truth)) + 1:
        clear[max(0, joint - COLLAR) : joint + COLLAR] = UNKNOWN
    return clear


def measured(recording: Planted) -> dict[str, Any]:
    """Counts of truth against label, by stretch where it matters, and CPU seconds."""
    began = time.process_time()
    analysis = analyse(recording.audio, RATE)
    cpu_s = time.process_time() - began
    return {
        "clip": recording.name, "noise": recording.noise, "kind": recording.kind, "snr_db": recording.snr_db,
        "hops": len(analysis.labels), "cpu_s": cpu_s,
        "counts": counts(recording.truth, analysis.labels),
        **{name: counts(recording.within(name), analysis.labels) for name in STRETCHES},
    }  # fmt: skip


def counts(truth: NDArray[np.int64], labels: NDArray[np.int64]) -> list[list[int]]:
    """Hops by truth (row) and label (column), unknown ones left out."""
    known = truth != UNKNOWN
    table = np.zeros((len(LABELS), len(LABELS)), np.int64)
    np.add.at(table, (truth[known], labels[known]), 1)
    counted: list[list[int]] = table.tolist()
    return counted


def kinds_told(data: Path, part: str) -> list[dict[str, Any]]:
    """Every noise by itself: the kind of most of its hops, and hops by kind told."""
    return [_kind_row(noise) for noise in noises(data, part)]


def _kind_row(noise: Noise) -> dict[str, Any]:
    analysis = analyse(noise.audio, RATE)
    here = analysis.labels == NOISE
    names = [analysis.kind_names[place] for place in analysis.kinds[here].argmax(axis=1)]
    hops: dict[str, int] = {}
    for name in names:
        hops[name] = hops.get(name, 0) + 1
    speech = int(np.sum(analysis.labels == SPOKEN))
    return {"noise": noise.name, "kind": noise.kind, "hops": hops, "speech": speech, "all": len(analysis.labels)}


def _piece(noise: Audio, samples: int, rng: np.random.Generator) -> Audio:
    energy = np.concatenate([[0.0], np.cumsum(np.square(noise, dtype=np.float64))])
    start = audible(energy, samples, RATE, rng)
    return np.resize(noise[start:], samples)


def _room(rng: np.random.Generator) -> Audio:
    samples = round(SILENCE_S * RATE) // HOP * HOP
    return rng.normal(0, 10 ** (ROOM_DB / 20), samples).astype(np.float32)


def total(tables: Sequence[list[list[int]]]) -> NDArray[np.int64]:
    """Tables of counts added up."""
    added: NDArray[np.int64] = np.sum([np.array(table) for table in tables], axis=0)
    return added

"""Where a clip begins and ends: with more of the room around it, or as live use cuts it out of a stream."""

from __future__ import annotations

import numpy as np

from bench.audio import Audio
from bench.conditions.noise import coloured
from bench.conditions.resources import Resources
from sound.activity import RATE, detectors
from sound.level import active_level, limited
from sound.resample import resample
from sound.segment import WORDS, End, Segment, Segmenter

ROOM_DB = (-60.0, -35.0)
"""Of the room around a clip, relative to its active speech level: as its quietest tenth, within these."""
PINK = 1.0
BLOCK_S, QUIETEST = 0.01, 0.1
GAP_S = 0.8
"""Of the room before and behind a clip in its stream: a second of pause between words, less what each side keeps."""
DETECTORS = ("detectors",)
CONTEXT_S = (WORDS.before_s, WORDS.speculate_s)
"""What is around the speech in a clip that :func:`live_cut` made."""


def framed(audio: Audio, rate: int, before_s: float, after_s: float, rng: np.random.Generator) -> Audio:
    """The clip with so much of the room before and behind it: pink noise, as loud as the clip's quietest tenth.

    Of a silent clip, the room is silent too.
    """
    before, after = round(before_s * rate), round(after_s * rate)
    noise = coloured(before + after, rate, PINK, rng)
    level = _room_level(audio, rate)
    power = float(np.sqrt(np.mean(noise**2))) if noise.size else 0.0
    room = noise * (10 ** (level / 20) / power) if power and np.isfinite(level) else np.zeros_like(noise)
    return limited(np.concatenate([room[:before], audio.astype(np.float64), room[before:]]))


def live_cut(audio: Audio, rate: int, rng: np.random.Generator, resources: Resources) -> Audio:
    """What :class:`sound.segment.Segmenter` cuts out of a stream in which the clip is said, at 16 kHz.

    Speech with exactly ``CONTEXT_S`` around it; zeros where the stream has no more. Of several utterances it is the one
    that holds most of the clip. Where none is found it is 100 ms of digital silence, for nothing would be heard.
    """
    if DETECTORS not in resources.kept:
        resources.kept[DETECTORS] = detectors()
    segmenter = Segmenter(resources.kept[DETECTORS]())
    stream = resample(framed(audio, rate, GAP_S, GAP_S, rng), rate, RATE)
    events = [*segmenter.push(stream), *segmenter.finish()]
    first, last = round(GAP_S * RATE), len(stream) - round(GAP_S * RATE)

    def held(segment: Segment) -> int:
        return min(segment.offset, last) - max(segment.onset, first)

    before, after = (round(seconds * RATE) for seconds in CONTEXT_S)
    found = max((event.segment for event in events if isinstance(event, End)), key=held, default=None)
    if found is None or held(found) <= 0:
        return np.zeros(before + RATE // 10 + after, np.float32)
    lacking = before - (found.onset - found.start), after - (found.start + len(found.audio) - found.offset)
    return np.pad(found.audio, [max(0, samples) for samples in lacking])


def _room_level(audio: Audio, rate: int) -> float:
    """dB of full scale; -inf for digital silence."""
    level = active_level(audio, rate)
    block = max(1, round(BLOCK_S * rate))
    blocks = audio[: max(1, len(audio) // block) * block].astype(np.float64)
    power = (blocks.reshape(-1, block) ** 2).mean(axis=1) if len(blocks) >= block else np.square(blocks)
    quiet = float(np.quantile(power, QUIETEST))
    quietest = 10 * np.log10(quiet) if quiet else -np.inf
    return float(np.clip(quietest, level + ROOM_DB[0], level + ROOM_DB[1])) if np.isfinite(level) else level

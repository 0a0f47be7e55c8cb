"""What is measured of the sound of each clip as recorded, before any backend: how long somebody speaks, over what."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audiodecode.limits import UNLIMITED
from bench.audio import Audio, read
from bench.context import Context
from sound.activity import HOP, RATE, SPEECH, Detector, activity, detectors
from sound.resample import resample

HOP_S = HOP / RATE
QUIETEST = 1e-10
"""Power below which a hop is digital silence: -100 dB."""


def described(context: Context) -> list[dict[str, float]]:
    """The facts of :func:`content` by clip, in the order of the run's table."""
    detector, facts = detectors()(), []
    with context.reporter.task("content of clips", len(context.clips)) as advance:
        for clip in context.clips.all():
            audio, rate = read(Path(clip.path), UNLIMITED)
            facts.append(content(resample(audio, rate, RATE), detector))
            advance(1)
    return facts


def content(audio: Audio, detector: Detector) -> dict[str, float]:
    """Seconds in which somebody speaks (``speech_s``) and nobody does (``pauses_s``), and where there is both, by how
    many dB speech is louder than what lies between (``snr_db``).

    audio: at ``sound.activity.RATE``.
    """
    detector.reset()
    scores = activity(audio, detector)
    speech = scores >= SPEECH
    powers = _powers(audio, len(scores))
    facts = {"speech_s": float(speech.sum() * HOP_S), "pauses_s": float((~speech).sum() * HOP_S)}
    if speech.any() and not speech.all():
        loud, quiet = float(powers[speech].mean()), float(np.median(powers[~speech]))
        facts["snr_db"] = float(10 * np.log10(max(loud - quiet, QUIETEST) / max(quiet, QUIETEST)))
    return facts


def _powers(audio: Audio, hops: int) -> NDArray[np.float64]:
    padded = np.zeros(hops * HOP, np.float64)
    padded[: min(len(audio), len(padded))] = audio[: len(padded)]
    power: NDArray[np.float64] = np.square(padded).reshape(-1, HOP).mean(axis=1)
    return power

"""What losing hops costs: every clip as it is, without its top, its bottom and a random tenth, and faster throughout.

Heard by ``whisper-short:tiny.en``, whose guards keep a transcript that runs in circles from deciding a table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.whisper.short import WhisperShort
from benchmarks.speech import RATE, Utterance, seeded, word_errors
from sound import Audio
from sound.activity import HOP
from sound.content import analyse
from sound.content.scores import SPOKEN, smoothed
from sound.tempo import change_speed

SHARE = 0.1
TEMPO = 1.5
WAYS = ("as it is", "top", "bottom", "random", "faster")


def costs(clips: Sequence[Utterance]) -> Iterator[dict[str, Any]]:
    """Errors and words of each clip in every way, with its complexity, that of its speech hops on average."""
    system = WhisperShort({}, "tiny.en")
    system.load()
    for clip in clips:
        audio = clip.audio()
        analysis = analyse(audio, RATE)
        rng = seeded(clip.id, "deletion")
        scattered = smoothed(rng.random(len(analysis.labels)), 0.16)  # as long at a time as importance's own stretches
        changed = {
            "as it is": audio,
            "top": without(audio, tenth(-analysis.importance)),
            "bottom": without(audio, tenth(analysis.importance)),
            "random": without(audio, tenth(scattered)),
            "faster": change_speed(audio, RATE, TEMPO),
        }
        spoken = analysis.labels == SPOKEN
        row = {"corpus": clip.corpus, "clip": clip.id, "speaker": clip.speaker, "seconds": len(audio) / RATE}
        for way, sound in changed.items():
            prediction = system.predict(sound)
            row[way], row["units"] = word_errors(clip.text, prediction.text or "")
        yield row | {"complexity": float(analysis.complexity[spoken].mean()) if spoken.any() else 0.0}


def tenth(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The hops of the lowest tenth of values, at least one; of equal ones the first."""
    chosen = np.zeros(len(values), np.bool_)
    chosen[np.argsort(values, kind="stable")[: max(1, round(SHARE * len(values)))]] = True
    return chosen


def without(audio: Audio, hops: NDArray[np.bool_]) -> Audio:
    """Samples of the other hops, put together."""
    return audio[~np.repeat(hops, HOP)[: len(audio)]]

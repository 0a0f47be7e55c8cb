"""Word times by stock faster-whisper (tiny.en, int8, greedy): where words are, speech should be told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from backends.whisper import weights
from benchmarks.content.planted import UNKNOWN, collared, counts
from benchmarks.speech import RATE, Utterance
from sound.activity import HOP
from sound.content import HOP_S, analyse
from sound.content.scores import NOISE, SPOKEN

SIZE = "tiny.en"
PAUSE_S = 0.3
"""Shorter gaps between words are no pause."""


def timed(clips: Sequence[Utterance]) -> Iterator[dict[str, Any]]:
    """Counts of hops, truth by word times against label: what is outside words is no speech, be it silence or noise."""
    from faster_whisper import WhisperModel

    model = WhisperModel(str(weights.find(SIZE)), device="cpu", compute_type="int8")
    for clip in clips:
        audio = clip.audio()
        pieces, _ = model.transcribe(audio, language="en", beam_size=1, temperature=0.0, word_timestamps=True)
        words = [(word.start, word.end) for piece in pieces for word in piece.words]
        truth = word_hops(words, -(-len(audio) // HOP))
        labels = analyse(audio, RATE).labels
        yield {
            "clip": clip.id,
            "speaker": clip.speaker,
            "words": len(words),
            "counts": counts(collared(truth), np.where(labels == SPOKEN, SPOKEN, NOISE)),
        }


def word_hops(words: Sequence[tuple[float, float]], hops: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """SPOKEN where a word is or a gap shorter than a pause, NOISE elsewhere; all UNKNOWN without words."""
    if not words:
        return np.full(hops, UNKNOWN)
    joined = [list(words[0])]
    for start, end in words[1:]:
        if start - joined[-1][1] < PAUSE_S:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    truth = np.full(hops, NOISE)
    for start, end in joined:
        truth[round(start / HOP_S) : max(round(end / HOP_S), round(start / HOP_S) + 1)] = SPOKEN
    return truth

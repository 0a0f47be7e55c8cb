"""The recogniser whose errors are predicted: ``whisper-short:tiny.en`` without guards, retries and gate.

A predictor must see what a guard would see. Several clips of one length share the decoder.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.whisper import weights as files
from backends.whisper.guard import cap
from backends.whisper.transcriber import POSITIONS, Transcriber
from sound import Audio
from sound.activity import RATE

NAME = (
    "whisper-short:tiny.en int8, greedy, window of the clip + 1 s, 200 states of silence behind it, no guard, no gate"
)
SIZE = "tiny.en"
MARGIN_S = 1.0
SILENT_STATES = 200


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A transcript and what the decoder thought of it."""

    text: str
    tokens: int
    facts: dict[str, float]


class WatchedWhisper(Transcriber):
    """Whose decoder shows the probabilities of all tokens; every call is a pure function of its arguments."""

    def __init__(self) -> None:
        super().__init__(files.find(SIZE), "int8", "en")

    def hear(self, audios: Sequence[Audio]) -> list[Hypothesis]:
        """Transcripts of clips of one length at 16 kHz, of which the first 30 s are heard."""
        from ctranslate2 import StorageView

        states = np.stack([self.encode(audio, MARGIN_S) for audio in audios])
        after = states.shape[1]
        silence = self._silence[after : min(after + SILENT_STATES, POSITIONS)]
        padded = np.concatenate([states, np.broadcast_to(silence, (len(audios), *silence.shape))], axis=1)
        seconds = audios[0].size / RATE
        results = self._model.generate(
            StorageView.from_array(np.ascontiguousarray(padded)),
            [self._start] * len(audios),
            beam_size=1,
            max_length=2 * cap(seconds),  # it stops at half of it
            return_scores=True,
            return_no_speech_prob=True,
            return_logits_vocab=True,
        )
        return [self._hypothesis(result, seconds, cap(seconds)) for result in results]

    def _hypothesis(self, result: Any, seconds: float, most: int) -> Hypothesis:
        transcript = self._transcript(result, most)
        facts = {
            "avg_logprob": transcript.logprob,
            "no_speech": transcript.no_speech,
            "compression_ratio": compression_ratio(transcript.text),
            "tokens_per_second": len(transcript.tokens) / seconds,
            **token_facts(np.array([np.array(step) for step in result.logits[0]]), transcript.tokens),
        }
        return Hypothesis(
            transcript.text, len(transcript.tokens), {name: float(value) for name, value in facts.items()}
        )


def compression_ratio(text: str) -> float:
    """Bytes of a text to those of its zlib stream, as Whisper has it; 0 for none."""
    encoded = text.encode()
    return len(encoded) / len(zlib.compress(encoded)) if encoded else 0.0


def token_facts(logits: NDArray[np.float32], tokens: Sequence[int]) -> dict[str, float]:
    """How sure the decoder was of each token: the worst, the tenth from below, the share below one half, entropy.

    ``logits``: (steps, vocabulary), steps at least as many as tokens.
    """
    if not len(tokens):
        return {"worst_logprob": 0.0, "low_logprob": 0.0, "unsure_share": 0.0, "entropy": 0.0}
    scores = logits[: len(tokens)]
    scores = scores - scores.max(axis=1, keepdims=True)
    odds = np.exp(scores)
    total = odds.sum(axis=1)
    logs = scores[np.arange(len(tokens)), list(tokens)] - np.log(total)
    entropy = np.log(total) - np.einsum("sv,sv->s", odds, np.maximum(scores, -100)) / total
    return {
        "worst_logprob": float(logs.min()),
        "low_logprob": float(np.quantile(logs, 0.1)),
        "unsure_share": float(np.mean(logs < np.log(0.5))),
        "entropy": float(entropy.mean()),
    }

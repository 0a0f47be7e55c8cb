"""What Whisper's own decoders tell of a transcript, as facts of a prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

WINDOW = 1_500
"""States that the encoder computes for one window of 30 s, whatever the clip's length."""
PER_SECOND = 50
"""Of these, a second."""


class Segment(NamedTuple):
    """A stretch of a transcript: how many tokens, their mean log probability, and how likely nobody spoke."""

    tokens: int
    avg_logprob: float
    no_speech: float


def facts(segments: Sequence[Segment], windows: int, kept_s: float) -> dict[str, float]:
    """``windows`` that the encoder was given, ``kept_s`` seconds of audio that were left of the clip."""
    found = {
        "encoder_tokens": float(WINDOW * windows),
        "clip_tokens": float(round(PER_SECOND * kept_s)),
        "decoder_tokens": float(sum(segment.tokens for segment in segments)),
    }
    if weight := found["decoder_tokens"]:
        found["avg_logprob"] = sum(each.tokens * each.avg_logprob for each in segments) / weight
    if segments:
        found["no_speech"] = max(each.no_speech for each in segments)
    return found

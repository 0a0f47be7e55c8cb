"""Signs that a transcript is not what was said: loops, an end that comes too early, words for silence.

Compression ratio and the rule for silence: Radford et al. 2022, Robust Speech Recognition via Large-Scale Weak
Supervision, section 4.5.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from backends.base import Audio

NGRAM = 4
REPEATS, IN_A_ROW = 5, 3
"""So many times the same four tokens, in all or in a row, make a loop: a name may well be said three times."""
RATIO = 2.4
"""Of a text's bytes to those that zlib makes of them: a sentence said twice has 1.8 to 1.95."""
CAP, CAP_PER_S = 12, 7
"""Tokens that no speech needs more of: so many, and so many a second."""

TOO_SHORT = "too short"
LEAST_PER_S, SHORT_S = 1.8, 1.0
"""Fewer tokens than that a second of speech, but for the first, are too few: right ones have more than 2.3."""
HOP_S, RANGE_DB = 0.02, 25.0

NO_SPEECH, UNLIKELY = 0.6, -0.7
"""The model takes for silence what it gives a higher probability of silence, and a lower mean log probability."""


def cap(seconds: float) -> int:
    """Tokens after which a clip's text is cut off."""
    return CAP + round(CAP_PER_S * seconds)


def loops(tokens: Sequence[int]) -> bool:
    """Whether four tokens come again and again."""
    times: dict[tuple[int, ...], int] = {}
    for end in range(NGRAM, len(tokens) + 1):
        gram = tuple(tokens[end - NGRAM : end])
        times[gram] = times.get(gram, 0) + 1
        if times[gram] == REPEATS or tuple(tokens[max(0, end - IN_A_ROW * NGRAM) : end]) == gram * IN_A_ROW:
            return True
    return False


def ratio(text: str) -> float:
    """How many times smaller zlib makes a text; 0 for none."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def sign(tokens: Sequence[int], text: str, most: int, speech_s: float) -> str:
    """What is wrong with the transcript of so many seconds of speech, ``most`` tokens being its bound; empty if nothing
    seems to be."""
    if len(tokens) >= most:
        return "endless"
    if loops(tokens) or ratio(text) > RATIO:
        return "loop"
    return TOO_SHORT if len(tokens) < LEAST_PER_S * (speech_s - SHORT_S) else ""


def loud_s(audio: Audio, rate: int) -> float:
    """Seconds of a recording that are within 25 dB of its loudest tenth: about those in which somebody speaks, if
    anybody does."""
    hop = max(1, round(HOP_S * rate))
    power = np.square(audio[: audio.size // hop * hop].reshape(-1, hop)).mean(axis=1)
    return (
        float((power > np.quantile(power, 0.9) * 10 ** (-RANGE_DB / 10)).mean()) * audio.size / rate
        if power.size
        else 0.0
    )


def nobody(no_speech: float, logprob: float) -> bool:
    """Whether the model itself says that nobody spoke."""
    return no_speech > NO_SPEECH and logprob < UNLIKELY

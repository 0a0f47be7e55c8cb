"""What is done to samples inside the clock before any backend: front ends, the modifiers of a name that are such."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from backends.base import BackendError, Prediction
from bench.names import COMPRESS, Name
from sound.activity import Detector, detectors
from sound.compress import compress, strength

if TYPE_CHECKING:
    from backends.base import Audio

DEFAULT = "balanced"
TOKENS_PER_S = 50
"""Of Whisper's encoder: the measure of how much of a clip is kept."""


class FrontEnd:
    """``+compress``: where nobody speaks nothing is left, pauses are shortened, the rest is said faster."""

    def __init__(self, rate: float | str, detector: Detector) -> None:
        self._rate = rate
        self._detector = detector

    def process(self, audio: Audio, sample_rate: int) -> tuple[Audio, dict[str, float]]:
        """What is left of the samples, and facts about it: ``clip_tokens``, 50 a second of what was kept."""
        if not strength(self._rate):
            return audio, {}
        made = compress(audio, sample_rate, self._rate, detector=self._detector)
        return made.samples, {"clip_tokens": TOKENS_PER_S * made.report.kept_s}


def front_end(name: str) -> FrontEnd | None:
    """The front end of a backend's name, if it has one. Raises BackendError where its value means nothing."""
    modifiers = Name.parse(name).modifiers
    if COMPRESS not in modifiers:
        return None
    rate = modifiers[COMPRESS] or DEFAULT
    try:
        strength(rate)
    except ValueError as error:
        raise BackendError(f"+{COMPRESS}@{rate}: {error}") from error
    return FrontEnd(rate, detectors()())


def nothing(facts: dict[str, float]) -> Prediction:
    """Of a clip of which nothing was left: no words, and no work for the backend."""
    return Prediction(text="", facts={"encoder_tokens": 0, "decoder_tokens": 0} | facts)


def with_facts(prediction: Prediction, facts: dict[str, float]) -> Prediction:
    """The prediction with the front end's facts, which know what the backend never saw."""
    return replace(prediction, facts={**(prediction.facts or {}), **facts}) if facts else prediction

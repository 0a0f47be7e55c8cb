"""What a session tells its view, in order. ``asdict`` with ``type`` in front is a line of JSON (:func:`line`)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

State = Literal["starting", "ready", "down", "unusable", "stopped"]
"""``down`` comes back by itself, ``unusable`` does not."""
QUIETEST_DB: Final = -120.0


@dataclass(frozen=True, slots=True)
class Lane:
    """A backend's lane is in another state; ``reason`` where something is wrong."""

    backend: str
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """What is listened to: told when sound comes from it and, with the blocks that were dropped, at the end."""

    name: str
    rate: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Level:
    """A hop of 32 ms: how loud, how surely speech, whether an utterance is under way."""

    at_s: float
    level_db: float
    score: float
    speaking: bool


@dataclass(frozen=True, slots=True)
class Speech:
    """An utterance begins."""

    utterance: int
    onset_s: float


@dataclass(frozen=True, slots=True)
class Dismissed:
    """What began was too short to be speech."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Cut:
    """An utterance is over, or may be (``final`` is False: there may be another). Seconds of the stream."""

    utterance: int
    final: bool
    onset_s: float
    offset_s: float
    device_s: float
    """From the air to this program, of the block that decided it."""
    vad_s: float
    """From the end of speech to the decision, without ``device_s``."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a lane says about an utterance. Once ``final``, it stays; others are early and may be taken back.

    ``dropped``: a newer utterance came first, or the lane was not ready. ``failed``: see ``error``.
    """

    utterance: int
    backend: str
    final: bool
    state: Literal["answered", "dropped", "failed"]
    label: str | None = None
    """None is no word of the vocabulary."""
    text: str | None = None
    scores: Mapping[str, float] | None = None
    facts: Mapping[str, float] | None = None
    error: str | None = None
    latency_s: Mapping[str, float] | None = None
    """``device``, ``vad``, ``queue``, ``features``, ``model``; ``confirm``, for the silence that makes it final; and
    ``total``: from the end of speech until now."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """Somebody said what an utterance was; None takes that back."""

    utterance: int
    label: str | None


@dataclass(frozen=True, slots=True)
class Saved:
    """An utterance is in a file of the session's folder."""

    utterance: int
    file: str


Event = Lane | Source | Level | Speech | Dismissed | Cut | Answer | Corrected | Saved


def values(event: Event) -> dict[str, Any]:
    """The event as JSON can hold it: ``type`` is its class, in small letters; what is not finite is ``QUIETEST_DB``."""
    return {"type": type(event).__name__.lower()} | {name: _finite(each) for name, each in asdict(event).items()}


def line(event: Event) -> str:
    """One line of JSON."""
    return json.dumps(values(event))


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, float):
        return value if math.isfinite(value) else QUIETEST_DB
    return value

"""The rows of the tables: which recogniser, how it is set, what goes before it, where it is measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STOCK, SHORT = "faster-whisper", "whisper-short"
BARE: Mapping[str, Any] = {"guarded": False, "gate": False}
REDO_BELOW = -0.4
"""Chosen on dev: mean log probability below which a clip is heard again."""
THIRD, FIFTH = 3, 5


@dataclass(frozen=True, slots=True)
class Setting:
    """One row. ``sittings``: where it is measured; ``every``: on every so-manieth clip of the corpora."""

    name: str
    family: str = SHORT
    options: Mapping[str, Any] = field(default_factory=dict)
    front: Mapping[str, Any] | None = None
    """Arguments of ``sound.compress``."""
    sittings: tuple[str, ...] = ("one",)
    every: int = 1
    rounds: int = 2
    """Of the folder."""

    @property
    def key(self) -> str:
        """Changes with what is asked."""
        return json.dumps([self.family, dict(self.options), self.front and dict(self.front)], sort_keys=True)


EVERYWHERE = ("one", "two", "joined", "silent", "base")
SETTINGS = (
    Setting("stock", STOCK, sittings=EVERYWHERE),
    Setting("stock, VAD filter", STOCK, {"vad_filter": True}, every=THIRD),
    Setting("stock, tempo 1.2", STOCK, front={"rate": 1, "pause_s": 60, "faster": 1.2}, every=THIRD),
    Setting("stock +compress@balanced", STOCK, front={"rate": "balanced"}, sittings=("one", "joined"), every=THIRD),
    Setting("30 s window, no timestamps", options={**BARE, "margin_s": 30, "states": 0, "cap": False}, every=THIRD),
    Setting("window alone", options={**BARE, "states": 0, "cap": False}, every=THIRD),
    Setting("window, cap", options={**BARE, "states": 0}, every=THIRD),
    Setting("cap, 100 states", options={**BARE, "states": 100}),
    Setting("cap, 200 states", options={**BARE, "states": 200}),
    Setting("cap, 400 states", options={**BARE, "states": 400}, sittings=("one", "silent")),
    Setting("cap, 1500 states", options={**BARE, "states": 1500}),
    Setting("whisper-short", sittings=EVERYWHERE),
    Setting("whisper-short, decoder on two threads", options={"decoder_threads": 0}, sittings=("two",)),
    Setting("whisper-short, quality loop", options={"redo_below": REDO_BELOW}),
    Setting("whisper-short +compress@light", front={"rate": "light"}, sittings=("one", "joined")),
    Setting("whisper-short +compress@balanced", front={"rate": "balanced"}, sittings=EVERYWHERE),
    Setting("whisper-short +compress@hard", front={"rate": "hard"}, sittings=("one", "joined")),
)
"""In the order of the tables; the first is what all are compared with."""

FOLDER = (
    Setting("stock", STOCK, rounds=1),
    Setting("30 s window, decoder in eights", options={**BARE, "margin_s": 30, "states": 0, "cap": False}, rounds=1),
    Setting("whisper-short, one by one", options={"batch": 1}),
    Setting("whisper-short, decoder in eights"),
    Setting("whisper-short, decoder in eights, +compress@balanced", front={"rate": "balanced"}),
)
"""What is put to two workers of one thread; the first is what all are compared with."""

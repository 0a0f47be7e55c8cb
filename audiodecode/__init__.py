"""Recordings to samples: ``librosa.load`` and its like, several times as fast, with the same samples."""

from __future__ import annotations

from audiodecode.facts import Info, duration, info
from audiodecode.limits import UnreadableError
from audiodecode.loader import load
from audiodecode.many import Loaded, load_many
from audiodecode.streaming import stream

__all__ = ["Info", "Loaded", "UnreadableError", "duration", "info", "load", "load_many", "stream"]

"""Recordings to samples: ``librosa.load`` and its like, several times as fast, with the same samples."""

from __future__ import annotations

from audiodecode.limits import UnreadableError
from audiodecode.loader import load

__all__ = ["UnreadableError", "load"]

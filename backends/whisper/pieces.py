"""Long recordings cut at pauses, for recognisers that hear half a minute at a time."""

from __future__ import annotations

import numpy as np

from backends.base import Audio

PAUSE_S = 0.3
HOP_S = 0.01
EARLIEST = 0.5
"""Share of the longest piece before which none ends."""


def pieces(audio: Audio, rate: int, longest_s: float) -> list[Audio]:
    """Views of ``audio`` of at most ``longest_s`` one after another, each cut in the quietest 0.3 s of its second half.

    A recording that is short enough is its own single piece.
    """
    found, start, longest = [], 0, round(longest_s * rate)
    while audio.size - start > longest:
        first = start + round(EARLIEST * longest)
        start_next = first + _quietest(audio[first : start + longest], rate)
        found.append(audio[start:start_next])
        start = start_next
    return [*found, audio[start:]]


def _quietest(audio: Audio, rate: int) -> int:
    """Sample in the middle of the quietest pause's length."""
    hop = max(1, round(HOP_S * rate))
    energy = np.square(audio[: audio.size // hop * hop].reshape(-1, hop), dtype=np.float64).sum(axis=1)
    width = min(round(PAUSE_S / HOP_S), energy.size)
    sums = np.convolve(energy, np.ones(width), "valid")
    return int(sums.argmin() + width // 2) * hop

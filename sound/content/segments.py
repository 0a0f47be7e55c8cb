"""Hops of one label in a row become a segment, with a recommendation how far it may be compressed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sound.content.features import Values
from sound.content.scores import LABELS, NOISE, SPOKEN, Scores

SHORTEST = 3
"""Hops; what is shorter belongs to its neighbour."""
PAUSE_S, FRONT_S = 0.2, 0.4
"""What stays of a pause, and of what comes before the first word, which a recogniser needs more of."""
FASTEST = 1.25
"""Tempo for speech of no importance at all; the most important keeps its own."""

Labels = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one label. Times in seconds, scores the mean of its hops."""

    start_s: float
    end_s: float
    label: str
    kind: str | None
    """Of noise."""
    confidence: float
    complexity: float
    importance: float
    method: str
    """How to compress it: ``drop``, ``shorten`` (cut out its middle), ``tempo`` (faster, same pitch), ``keep``."""
    keep: float
    """Share of its time that should stay, 0 to 1."""


def label_hops(probability: Values) -> Labels:
    """The likeliest label of each hop, stretches of one or two hops given to what was before them."""
    labels: Labels = probability.argmax(axis=1)
    for start, end in list(runs(labels)):
        if end - start < SHORTEST and start:
            labels[start:end] = labels[start - 1]
    return labels


def segments(
    labels: Labels, scores: Scores, kinds: Values, names: Sequence[str], hop_s: float, end_s: float
) -> tuple[Segment, ...]:
    """``kinds``: probabilities (hops, kinds) of the ``names``; ``end_s``: where the recording ends."""
    spoken = np.flatnonzero(labels == SPOKEN)
    first = int(spoken[0]) if len(spoken) else None
    made = []
    for start, end in runs(labels):
        label = int(labels[start])
        importance = float(scores.importance[start:end].mean())
        begins, ends = start * hop_s, min(end * hop_s, end_s)
        method, keep = recommendation(
            label, ends - begins, importance, first is None, first is not None and end <= first
        )
        kind = names[int(np.log(kinds[start:end] + 1e-9).mean(axis=0).argmax())] if label == NOISE else None
        made.append(
            Segment(
                begins, ends, LABELS[label], kind, float(scores.probability[start:end, label].mean()),
                float(scores.complexity[start:end].mean()), importance, method, keep,
            )
        )  # fmt: skip
    return tuple(made)


def recommendation(label: int, seconds: float, importance: float, wordless: bool, in_front: bool) -> tuple[str, float]:
    """Method and share to keep of a segment; ``wordless``: nobody speaks in the whole recording."""
    if label == SPOKEN:
        keep = 1 / (1 + (FASTEST - 1) * (1 - min(1.0, importance)))
        return "tempo", keep
    if wordless:
        return "drop", 0.0
    kept = FRONT_S if in_front else PAUSE_S
    return ("shorten", kept / seconds) if seconds > kept else ("keep", 1.0)


def runs(labels: Labels) -> Iterator[tuple[int, int]]:
    """First hop of every stretch of one label, and the hop after its last."""
    edges = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    yield from itertools.pairwise(edges)

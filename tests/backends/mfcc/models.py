"""Small models to test with: three tones to tell apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from backends.base import Clip
from backends.mfcc.classifiers import MfccLogreg, MfccRf, MfccSvm
from backends.mfcc.pipeline import Mfcc

VOCABULARY = {"low": ["low"], "mid": ["mid"], "high": ["high"]}
FAMILY: list[type[Mfcc]] = [MfccSvm, MfccLogreg, MfccRf]
every = pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.name)


def clip(label: str, seed: int, speaker: str | None = None, samples: int = 2_400) -> Clip:
    """A tone per label in noise."""
    hertz = {"low": 300, "mid": 900, "high": 2_200}[label]
    generator = np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * hertz * generator.uniform(0.9, 1.1) * np.arange(samples) / 8_000)
    return Clip((0.2 * tone + 0.1 * generator.standard_normal(samples)).astype(np.float32), label, speaker)


def clips(takes: int, seed: int = 0, speakers: Sequence[str | None] = ("a", "b", "c")) -> list[Clip]:
    return [
        clip(label, 1_000 * seed + 100 * i + 10 * j + take, speaker)
        for i, label in enumerate(VOCABULARY)
        for j, speaker in enumerate(speakers)
        for take in range(takes)
    ]


TRAIN, TEST = clips(3), clips(2, seed=1)


def scores(backend: Mfcc, heard: Sequence[Clip] = TEST) -> list[dict[str, float]]:
    return [dict(prediction.scores or {}) for prediction in backend.predict_batch([c.audio for c in heard])]

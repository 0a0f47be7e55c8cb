"""A run with many backends under noise, made up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.records.schema import Run
from tests.bench import factory

NAMES = ("chance", "mfcc-svm", "whisper:tiny", "whisper:base", "probe:tiny")
NOISES = ("white", "dishes")
LEVELS = (-5, 0, 10, 20)
OTHERS = ("telephone", "reverb:room")
EVIL = '</script><script>alert("<b>&")</script><img src=x onerror=alert(1)>'


def noisy(names: Sequence[str] = NAMES, noises: Sequence[str] = NOISES, others: Sequence[str] = OTHERS) -> Run:
    """Errors grow with noise; every text is hostile. All are zero-shot, with scores."""
    table = factory.clips()
    conditions = {"clean": 0.05}
    conditions |= {f"noise:{name}@{level}dB": 0.5 - 0.02 * level for name in noises for level in LEVELS}
    conditions |= dict.fromkeys(others, 0.3)
    rng = np.random.default_rng(0)
    parts = []
    for place, name in enumerate(names):
        for condition, share in conditions.items():
            wrong = table["clip"][rng.random(len(table)) < share * (0.5 + place / len(names))]
            heard = factory.heard(
                table, name, wrong=list(wrong[::2]), silent=list(wrong[1::2]), texts=True, scores=True
            )
            parts.append(heard.assign(condition=condition, text=EVIL))
    latency = factory.timings({name: 0.001 * 3.0**i for i, name in enumerate(names)})
    return factory.run(pd.concat(parts, ignore_index=True), table, latency)

"""Pairs that were never heard: the WER follows from one fact."""

from __future__ import annotations

import numpy as np

from bench.quality.predictor import FACTS, TOKEN_FACTS
from benchmarks.wer.pairs import Pair

CONDITIONS = ("clean", "speed:1.25", "speed:1.5")


def pairs(part: str, clips: int, seed: int = 0) -> list[Pair]:
    rng = np.random.default_rng(seed)
    sample = []
    for clip in range(clips):
        for place, condition in enumerate(CONDITIONS):
            wer = rng.beta(1, 3) * (1 + place) / 3
            facts = dict(zip((*FACTS, *TOKEN_FACTS), rng.normal(0, 1, 8), strict=True))
            facts["avg_logprob"] = -wer + rng.normal(0, 0.02)
            speaker = f"{part}{clip % max(2, clips // 3)}"
            sample.append(
                Pair("made", f"{part}{clip}", speaker, part, condition, 5.0, "", "", round(20 * wer), 20, facts)
            )
    return sample

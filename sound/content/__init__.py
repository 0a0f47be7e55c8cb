"""What is in a recording: silence, noise of which kind, speech; how complex, how important, how far to compress it.

:func:`analyse` looks at hops of 32 ms: features that do not depend on level (:mod:`sound.content.features`), a speech
detector (:mod:`sound.activity`), labels and scores (:mod:`sound.content.scores`), kinds of noise
(:mod:`sound.content.kinds`), segments and what to do with them (:mod:`sound.content.segments`).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sound import Audio
from sound.activity import HOP, RATE, Detector, activity, detectors
from sound.content import kinds
from sound.content.features import Features, Values, features
from sound.content.scores import LABELS, NOISE, scores
from sound.content.segments import Labels, Segment, label_hops, segments
from sound.resample import resample

HOP_S = HOP / RATE
__all__ = ["HOP_S", "LABELS", "Analysis", "Segment", "analyse"]


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """Facts about one recording, of each hop of 32 ms and of each segment."""

    duration_s: float
    detector: str
    """What told speech: ``silero`` or ``energy``."""
    labels: Labels
    """Shape (hops,), places in LABELS."""
    confidence: Values
    """Probability of the label, shape (hops,)."""
    complexity: Values
    importance: Values
    kinds: Values
    """Probabilities of the kinds of noise, shape (hops, kinds); mean nothing where there is none."""
    kind_names: tuple[str, ...]
    features: Features
    segments: tuple[Segment, ...]

    @property
    def kept_s(self) -> float:
        """Seconds that are left where every recommendation is followed."""
        return sum(each.keep * (each.end_s - each.start_s) for each in self.segments)

    @property
    def shares(self) -> dict[str, float]:
        """Label -> share of the hops."""
        return {name: float(np.mean(self.labels == place)) for place, name in enumerate(LABELS)}

    def facts(self) -> dict[str, Any]:
        """All of it but the features, ready for JSON, rounded to what can be told."""
        return {
            "duration_s": round(self.duration_s, 3),
            "kept_s": round(self.kept_s, 3),
            "detector": self.detector,
            "shares": {name: round(share, 4) for name, share in self.shares.items()},
            "segments": [
                {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(each).items()}
                for each in self.segments
            ],
            "hops": {
                "hop_s": HOP_S,
                "label": [LABELS[place] for place in self.labels],
                **{name: getattr(self, name).round(3).tolist() for name in ("confidence", "complexity", "importance")},
                "level_db": self.features.level_db.round(1).tolist(),
            },
        }


def analyse(audio: Audio, rate: int, detector: Detector | None = None) -> Analysis:
    """Mono samples in [-1, 1], ``rate`` in Hz -> facts. ``detector``: fresh, by default silero or else the energy gate.

    Raises ValueError for no samples, samples that are not finite or of more than one channel, or no rate.
    """
    if audio.ndim != 1 or not audio.size:
        raise ValueError(f"audio must be mono samples, at least one, not an array of shape {audio.shape}")
    if not np.isfinite(audio).all():
        raise ValueError("audio holds samples that are not finite")
    if rate <= 0:
        raise ValueError(f"rate must be above 0 Hz, not {rate}")
    samples = resample(np.asarray(audio, dtype=np.float32), rate, RATE)
    detector = detector or detectors()()
    measured = features(samples)
    score = scores(measured, activity(samples, detector))
    labels = label_hops(score.probability)
    model = kinds.fitted()
    shares = model.probabilities(kinds.pooled(measured, score.probability[:, NOISE]))
    duration = len(audio) / rate
    return Analysis(
        duration, detector.name, labels, score.probability[np.arange(len(labels)), labels],
        score.complexity, score.importance, shares, model.names, measured,
        segments(labels, score, shares, model.names, HOP_S, duration),
    )  # fmt: skip

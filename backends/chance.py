"""The floor under every table: the commonest training label, whatever is said."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from backends.base import Audio, BackendError, Clip, Prediction, TrainedBackend, Vocabulary


class Chance(TrainedBackend):
    """Majority label; its scores are the training frequencies."""

    name: ClassVar[str] = "chance"
    sample_rate: ClassVar[int] = 8_000

    def __init__(self, vocabulary: Vocabulary, variant: str = "") -> None:
        super().__init__(vocabulary, variant)
        self._prediction: Prediction | None = None
        self._path: Path | None = None

    def load(self) -> None:
        """Nothing to bring in."""

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        counts = Counter(clip.label for clip in clips)
        self._set({label: counts[label] / len(clips) for label in self.labels})

    def save(self, path: Path) -> None:
        if self._prediction is None or self._prediction.scores is None:
            raise BackendError("chance: fit before save")
        path.write_text(json.dumps(self._prediction.scores))

    def restore(self, path: Path) -> None:
        try:
            scores = json.loads(path.read_text())
            self._set({label: float(scores[label]) for label in self.labels})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BackendError(f"{path}: not a chance model of these labels ({error})") from error
        self._path = path

    def predict(self, audio: Audio) -> Prediction:
        if self._prediction is None:
            raise BackendError("chance: fit or restore before predict")
        return self._prediction

    def artifacts(self) -> list[Path]:
        return [self._path] if self._path else []

    def parameters(self) -> int:
        return len(self.labels)

    def _set(self, scores: dict[str, float]) -> None:
        self._prediction = Prediction(max(self.labels, key=scores.__getitem__), scores)

"""The floor under every table: the commonest training label, whatever is said."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from backends.base import Audio, BackendError, Clip, Prediction, TrainedBackend, Vocabulary
from backends.kit import modelfile


class Chance(TrainedBackend):
    """Majority label; its scores are the training frequencies."""

    name: ClassVar[str] = "chance"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    sample_rate: ClassVar[int] = 8_000

    def __init__(self, vocabulary: Vocabulary, variant: str = "") -> None:
        super().__init__(vocabulary, variant)
        self._prediction: Prediction | None = None
        self._path: Path | None = None

    def load(self) -> None:
        """Nothing to bring in."""

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        """Count labels; of equals the first in the vocabulary wins. Raises BackendError if there are none."""
        self._path = None
        counts = Counter(clip.label for clip in clips)
        total = sum(counts[label] for label in self.labels)
        if not total:
            raise BackendError("chance: no training clip has a label of the vocabulary")
        self._set({label: counts[label] / total for label in self.labels})

    def save(self, path: Path) -> None:
        if self._prediction is None or self._prediction.scores is None:
            raise BackendError("chance: fit before save")
        content = modelfile.header_json(self, {}) | {"scores": self._prediction.scores}
        modelfile.write_bytes(path, json.dumps(content).encode())

    def restore(self, path: Path) -> None:
        modelfile.check_header(path, self)
        try:
            scores = modelfile.read_json(path)["scores"]
            self._set({label: float(scores[label]) for label in self.labels})
        except (ValueError, KeyError, TypeError) as error:
            raise BackendError(f"{path}: not a sound chance model ({error})") from error
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
        if not all(map(math.isfinite, scores.values())):
            raise ValueError("scores that are not finite")
        self._prediction = Prediction(max(self.labels, key=scores.__getitem__), scores)

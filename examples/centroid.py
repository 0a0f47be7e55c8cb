"""A backend that learns, with a model file in a format of its own: the mean spectrum of each label.

digitbench run --corpus folder:recordings --backends chance,examples/centroid.py:Centroid
digitbench train examples/centroid.py:Centroid --corpus folder:recordings --out centroid.npz
digitbench predict CLIP.wav --backend examples/centroid.py:Centroid --model centroid.npz
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backends.base import Audio, BackendError, Clip, Prediction, TrainedBackend

BANDS = 32


class Centroid(TrainedBackend):
    """Says the label whose mean is nearest to the clip."""

    name = "centroid"
    sample_rate = 8_000
    model: Path | None = None

    def load(self) -> None:
        """Nothing: the model comes by ``fit`` or ``restore``."""

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        spectra = {label: [_spectrum(clip.audio) for clip in clips if clip.label == label] for label in self.labels}
        if missing := [label for label, clip_spectra in spectra.items() if not clip_spectra]:
            raise BackendError(f"centroid: no training clip of {', '.join(missing)}")
        self.means = np.array([np.mean(spectra[label], axis=0) for label in self.labels])

    def predict(self, audio: Audio) -> Prediction:
        distances = np.linalg.norm(self.means - _spectrum(audio), axis=1)
        scores = dict(zip(self.labels, (-distances).tolist(), strict=True))
        return Prediction(self.labels[int(distances.argmin())], scores)

    def save(self, path: Path) -> None:
        with path.open("wb") as file:
            np.savez(file, labels=np.array(self.labels), means=self.means)

    def restore(self, path: Path) -> None:
        """Arrays alone are read, never pickled objects: a model file must not run code."""
        try:
            with np.load(path, allow_pickle=False) as file:
                labels, self.means = tuple(map(str, file["labels"])), file["means"]
        except Exception as error:  # a broken file makes zipfile, zlib and NumPy raise what they like
            raise BackendError(f"{path}: not a model of centroid ({error})") from error
        if labels != self.labels:
            raise BackendError(f"{path}: a model of the labels {', '.join(labels)}, not of {', '.join(self.labels)}")
        if self.means.shape != (len(labels), BANDS) or not np.isfinite(self.means).all():
            raise BackendError(f"{path}: not a model of centroid (its means are not finite numbers, {BANDS} a label)")
        self.model = path

    def artifacts(self) -> list[Path]:
        return [self.model] if self.model else []


def _spectrum(audio: Audio) -> NDArray[np.float64]:
    """Log power in ``BANDS`` bands of equal width, over the whole clip."""
    power = np.abs(np.fft.rfft(audio, max(len(audio), 2 * BANDS))) ** 2
    return np.array([np.log(np.mean(band) + 1e-9) for band in np.array_split(power, BANDS)])

"""The classical model one would choose today: word pictures (:mod:`backends.lite.features`), altered copies in training
(:mod:`backends.lite.copies`), two small convolutional networks (:mod:`backends.lite.network`). Predicting needs NumPy.

Scores are probabilities: softmax(logits / temperature). The temperature (Guo et al. 2017) is fitted to ``validation``
if given, else to parts of ``clips`` held out by speaker from shorter trainings; nothing else is chosen in ``fit``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backends.base import Audio, BackendError, Clip, Prediction, TrainedBackend, Vocabulary
from backends.kit import arrayfile, modelfile, options, rejection
from backends.kit.selection import Rows, softmax
from backends.lite import features, network
from backends.lite.copies import Augmenter
from backends.lite.features import Array, FrontEnd

ALTERED, NOISY = 10, 16
"""Copies of each clip; with the clip itself, one after another, a pass each."""
PASSES, LEAST_STEPS = 270, 400
NETWORKS = 2
"""Trained apart from other first weights; their logits are averaged."""
TRIALS = 2
"""Inner folds that the temperature is fitted on, each trained with a third of the passes."""
FRONT_END = {
    "sample_rate": features.SAMPLE_RATE,
    "window": features.WINDOW,
    "frames": features.FRAMES,
    "bands": features.BANDS,
    "margin": features.MARGIN,
}
"""What a model file must have been trained with."""


@dataclass(frozen=True)
class Fitted:
    """All that training leaves behind."""

    networks: tuple[network.Weights, ...]
    classes: tuple[str, ...]
    """Labels heard in training, in the order of the logits."""
    temperature: float
    chosen_on: str

    def logits(self, pictures: Array) -> Array:
        """The networks' mean, shape (clips, classes)."""
        return np.asarray(network.logits(self._stack, pictures).mean(axis=0))

    @cached_property
    def _stack(self) -> network.Weights:
        return network.stack(self.networks)


class MfccLite(TrainedBackend):
    """Log mel pictures of trimmed words, two convolutional networks of 88,000 weights each, NumPy only."""

    name: ClassVar[str] = "mfcc-lite"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    sample_rate: ClassVar[int] = features.SAMPLE_RATE
    imports: ClassVar[tuple[str, ...]] = ("numpy",)
    saved: ClassVar[Mapping[str, type]] = {"augment": bool, "seed": int}

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        augment: bool = True,
        seed: int = 0,
        reject_below: float | None = None,
    ) -> None:
        """``augment`` adds altered copies in training; ``seed`` draws them, the first weights and the order.
        ``reject_below`` (:class:`backends.base.Backend`) is the model file's where it is not given.

        Raises BackendError for options of another type.
        """
        super().__init__(vocabulary, variant)
        self._reject_below = None if reject_below is None else rejection.threshold(self.name, reject_below)
        self.reject_below = self._reject_below or 0.0
        options.check(self.name, {"augment": augment, "seed": seed}, self.saved)
        self.augment, self.seed = augment, seed
        self._front_end: FrontEnd | None = None
        self._fitted: Fitted | None = None
        self._path: Path | None = None

    def load(self) -> None:
        self._front_end = self._front_end or FrontEnd()

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        """See the module. Raises BackendError for fewer than two labels, or labels outside the vocabulary."""
        self._fitted = self._path = None
        if strangers := {clip.label for clip in (*clips, *validation)} - set(self.labels):
            raise BackendError(f"{self.name}: labels outside the vocabulary: {', '.join(sorted(strangers))}")
        heard = {clip.label for clip in clips}
        if len(heard) < 2:
            raise BackendError(
                f"{self.name}: the training clips hold {len(heard)} label(s); it takes two to tell apart"
            )
        classes = tuple(label for label in self.labels if label in heard)
        truth = np.array([classes.index(clip.label) for clip in clips])
        pictures = self._training_pictures(clips)
        everything = np.arange(len(clips))
        networks = tuple(
            self._train(pictures, truth, everything, len(classes), PASSES, number) for number in range(NETWORKS)
        )
        unscaled = Fitted(networks, classes, 1.0, "")
        if validation:
            known = [clip for clip in validation if clip.label in heard]
            logits = [unscaled.logits(self._pictures([clip.audio for clip in known]))] if known else []
            answers = [np.array([classes.index(clip.label) for clip in known])]
            chosen_on = "validation"
        else:
            logits, answers, chosen_on = self._held_out(clips, pictures, truth, len(classes))
        self._fitted = Fitted(networks, classes, _heat(logits, answers), chosen_on)

    def predict(self, audio: Audio) -> Prediction:
        fitted = self._ready()
        picture = self._eyes().picture(audio)[np.newaxis]
        self.mark("features")
        return self._predictions(fitted, picture)[0]

    def predict_batch(self, audios: Sequence[Audio]) -> list[Prediction]:
        fitted = self._ready()
        if not audios:
            return []
        pictures = self._pictures(audios)
        self.mark("features")
        return self._predictions(fitted, pictures)

    def save(self, path: Path) -> None:
        """One zip of arrays and JSON; the same model, the same bytes. Raises BackendError before ``fit``, or if it
        cannot be written."""
        fitted = self._ready()
        state = {
            "front_end": FRONT_END,
            "classes": fitted.classes,
            "temperature": fitted.temperature,
            "chosen_on": fitted.chosen_on,
            "reject_below": self.reject_below,
        }
        arrays = {
            f"{number}.{name}": array
            for number, weights in enumerate(fitted.networks)
            for name, array in weights.items()
        }
        header = modelfile.header_json(self, {"augment": self.augment, "seed": self.seed})
        arrayfile.write(path, header, state, arrays)
        self._path = path

    def restore(self, path: Path) -> None:
        """Raises BackendError if the file is no model of this backend and vocabulary."""
        header = modelfile.check_header(path, self)
        try:
            state, arrays = arrayfile.read(path)
            fitted = self._sound(state, arrays)
            own = rejection.threshold(self.name, state.get("reject_below", 0.0))
        except (KeyError, ValueError, TypeError) as error:
            raise BackendError(f"{path}: not a sound model file ({error})") from error
        self.augment, self.seed = bool(header.options["augment"]), int(header.options["seed"])
        self._fitted, self._path = fitted, path
        self.reject_below = own if self._reject_below is None else self._reject_below
        self.load()

    def artifacts(self) -> list[Path]:
        return [self._path] if self._path else []

    def parameters(self) -> int | None:
        """Weights, biases and the temperature."""
        if self._fitted is None:
            return None
        return sum(array.size for weights in self._fitted.networks for array in weights.values()) + 1

    def settings(self) -> dict[str, str | int | float | bool]:
        settings: dict[str, str | int | float | bool] = {
            "frames": features.FRAMES,
            "mel_bands": features.BANDS,
            "networks": NETWORKS,
            "copies": ALTERED + NOISY if self.augment else 0,
            "passes": PASSES,
            "seed": self.seed,
        }
        if self._fitted is not None:
            settings |= {"chosen_on": self._fitted.chosen_on, "temperature": round(self._fitted.temperature, 4)}
        return settings

    def export(self, path: Path) -> None:
        """Write :mod:`backends.lite.onnx_graph`. Raises BackendError without the package onnx, or before ``fit``."""
        from backends.lite.onnx_graph import graph

        modelfile.write_bytes(path, graph(self._ready(), self.labels))

    def _ready(self) -> Fitted:
        if self._fitted is None:
            raise BackendError(f"{self.name}: fit or restore a model first")
        return self._fitted

    def _eyes(self) -> FrontEnd:
        if self._front_end is None:
            self.load()
        assert self._front_end is not None
        return self._front_end

    def _pictures(self, audios: Sequence[Audio]) -> Array:
        eyes = self._eyes()
        return np.stack([eyes.picture(audio) for audio in audios])

    def _training_pictures(self, clips: Sequence[Clip]) -> Array:
        """Shape (1 + copies, clips, frames, bands). A copy depends on its clip's place alone, not on other clips."""
        plain = self._pictures([clip.audio for clip in clips])
        if not self.augment:
            return plain[np.newaxis]
        augmenter = Augmenter(self._eyes())
        copies = [
            [make(clip.audio, np.random.default_rng([self.seed, number, row])) for row, clip in enumerate(clips)]
            for number, make in enumerate([augmenter.altered] * ALTERED + [augmenter.noisy] * NOISY)
        ]
        return np.concatenate([plain[np.newaxis], np.array(copies, np.float32)])

    def _train(
        self, pictures: Array, truth: Rows, rows: Rows, classes: int, passes: int, number: int = 0
    ) -> network.Weights:
        passes = max(passes, -(-LEAST_STEPS // -(-len(rows) // network.BATCH)))
        return network.train(
            lambda turn: pictures[turn % len(pictures)][rows], truth[rows], classes, passes, [self.seed, number]
        )

    def _held_out(
        self, clips: Sequence[Clip], pictures: Array, truth: Rows, classes: int
    ) -> tuple[list[Array], list[Rows], str]:
        """Logits and truth of clips that a shorter training did not learn from."""
        from backends.kit.selection import inner_folds

        folds, chosen_on = inner_folds(clips, self.seed)
        logits, answers = [], []
        for train, test in folds[:TRIALS]:
            if len(set(truth[train].tolist())) > 1 and len(test):
                weights = self._train(pictures, truth, train, classes, PASSES // 3)
                logits.append(network.logits(weights, pictures[0][test]))
                answers.append(truth[test])
        return logits, answers, chosen_on

    def _predictions(self, fitted: Fitted, pictures: Array) -> list[Prediction]:
        logits = fitted.logits(pictures).astype(np.float64)
        unheard = dict.fromkeys(self.labels, 0.0)
        return [
            Prediction(fitted.classes[row.argmax()], unheard | dict(zip(fitted.classes, row.tolist(), strict=True)))
            for row in softmax(logits / fitted.temperature)
        ]

    def _sound(self, state: dict[str, Any], arrays: Mapping[str, Any]) -> Fitted:
        """Raises ValueError, KeyError or TypeError unless the parts fit together."""
        if state["front_end"] != FRONT_END:
            raise ValueError(f"another front end, this version has {FRONT_END}")
        classes = tuple(str(label) for label in state["classes"])
        heat = float(state["temperature"])
        shapes = network.shapes(features.FRAMES, features.BANDS, len(classes))
        networks = tuple({name: arrays[f"{number}.{name}"] for name in shapes} for number in range(NETWORKS))
        wrong = [
            name
            for weights in networks
            for name, shape in shapes.items()
            if weights[name].shape != shape or weights[name].dtype != np.float32
        ]
        if wrong or not (1 < len(classes) == len(set(classes) & set(self.labels)) and 0 < heat < np.inf):
            raise ValueError("its parts do not fit together")
        return Fitted(networks, classes, heat, str(state["chosen_on"]))


def _heat(logits: Sequence[Array], answers: Sequence[Rows]) -> float:
    if not logits:
        return 1.0
    from backends.kit.selection import temperature

    return temperature(np.concatenate(logits).astype(np.float64), np.concatenate(answers))

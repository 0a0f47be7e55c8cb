"""A linear probe on Whisper's frozen encoder: what its frames already say about the word.

Clip -> trimmed to its speech, levelled, in a window of its own length plus 0.5 s of silence either side -> log-mel
bands up to ``highest_hz`` -> encoder -> mean over the frames of the clip -> standardised -> multinomial logistic
regression. Probing: Alain and Bengio 2016, Understanding intermediate layers using linear classifier probes.

The strength of regularisation is chosen on ``validation`` if given, else on held-out parts of ``clips``, by speaker
where three or more are known. The held-out predictions of the chosen one give the temperature that makes the scores
probabilities (Guo et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backends import arrayfile, modelfile, weights, whisper_encoder
from backends.base import Audio, BackendError, Clip, Prediction, Source, TrainedBackend, Vocabulary
from backends.ctranslate2_format import read, whisper_parameters
from backends.selection import Matrix, Rows, inner_folds, softmax, temperature
from backends.whisper_encoder import HOP, Array, LogMel, Window

WINDOW = Window(margin=0.5, grid=0.25)
TAIL = 4
"""Encoder frames after the clip that still count as its own: a frame hears what is near it."""
STRENGTHS = (0.01, 0.003, 0.03)
"""Inverse strengths of regularisation to try, the default first."""
ITERATIONS = 100
AT_ONCE = 256
"""Training clips whose windows are in memory together."""
FRONT_END = {"margin": WINDOW.margin, "grid": WINDOW.grid, "tail": TAIL, "pooling": "mean"}
"""What a model file must have been trained with."""
ARRAYS = ("mean", "scale", "coefficients", "intercepts")


@dataclass(frozen=True, slots=True)
class Head:
    """All that training leaves behind. ``coefficients`` (classes, features), ``intercepts`` (classes,), the scaler's
    ``mean`` and ``scale`` (features,), ``classes`` in the order of the rows."""

    classes: tuple[str, ...]
    mean: Matrix
    scale: Matrix
    coefficients: Matrix
    intercepts: Matrix
    temperature: float
    strength: float
    chosen_on: str

    def logits(self, features: Matrix) -> Matrix:
        """Shape (clips, classes)."""
        logits: Matrix = ((features - self.mean) / self.scale) @ self.coefficients.T + self.intercepts
        return logits

    def check(self, labels: Sequence[str], width: int) -> None:
        """Raises ValueError unless the parts read from a file fit together."""
        shapes = [part.shape for part in (self.mean, self.scale, self.coefficients, self.intercepts)]
        classes = len(self.classes)
        sound = (
            1 < classes == len(set(self.classes) & set(labels))
            and shapes == [(width,), (width,), (classes, width), (classes,)]
            and all(np.isfinite(part).all() for part in (self.mean, self.scale, self.coefficients, self.intercepts))
            and (self.scale > 0).all()
            and 0 < self.temperature < np.inf
        )
        if not sound:
            raise ValueError("its parts do not fit together")


class WhisperProbe(TrainedBackend):
    """The variant is the size of Whisper, or any name if ``model`` gives the folder of its weights."""

    name: ClassVar[str] = "whisper-probe"
    variants: ClassVar[tuple[str, ...]] = ("tiny.en", "base")
    imports: ClassVar[tuple[str, ...]] = ("ctranslate2",)

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        compute_type: str = "int8",
        highest_hz: float = 4_000.0,
        seed: int = 0,
        model: str | Path | None = None,
    ) -> None:
        """``compute_type``: CTranslate2's number format. ``highest_hz``: what lies above is not heard, so that a head
        fitted on telephone-band clips suits wider ones. ``seed`` shuffles folds. The encoder is told no language.

        Raises BackendError for an unknown size.
        """
        super().__init__(vocabulary, variant)
        if model is None:
            weights.repository(variant)
        self.compute_type, self.highest_hz, self.seed = compute_type, highest_hz, seed
        self._given = None if model is None else Path(model)
        self._folder: Path | None = None
        self._model: Any = None
        self._log_mel: LogMel | None = None
        self._head: Head | None = None
        self._path: Path | None = None

    def prepare(self) -> None:
        self._folder = weights.fetch(self.variant, self._given)

    def load(self) -> None:
        self._model = whisper_encoder.load(self._weights(), self.compute_type)
        self._log_mel = LogMel(self._model.n_mels, self.highest_hz)

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        """See the module. Raises BackendError for fewer than two labels, or labels outside the vocabulary."""
        self._head = self._path = None
        if strangers := {clip.label for clip in (*clips, *validation)} - set(self.labels):
            raise BackendError(f"{self.name}: labels outside the vocabulary: {', '.join(sorted(strangers))}")
        if (heard := len({clip.label for clip in clips})) < 2:
            raise BackendError(f"{self.name}: the training clips hold {heard} label(s); it takes two to tell apart")
        everyone = [*clips, *validation]
        parts = [everyone[start : start + AT_ONCE] for start in range(0, len(everyone), AT_ONCE)]
        features = np.concatenate([self._features([clip.audio for clip in part]) for part in parts])
        labels = np.array([clip.label for clip in everyone])
        learned = np.arange(len(clips))
        if validation:
            folds, chosen_on = [(learned, len(clips) + np.arange(len(validation)))], "validation"
        else:
            folds, chosen_on = inner_folds(clips, self.seed)
        strength, heat = self._choose(features, labels, folds)
        self._head = _fit(features[learned], labels[learned], strength, heat, chosen_on)

    def predict(self, audio: Audio) -> Prediction:
        return self._predictions([audio])[0]

    def predict_batch(self, audios: Sequence[Audio]) -> list[Prediction]:
        return self._predictions(audios)

    def save(self, path: Path) -> None:
        """The head alone, with the sha256 of its Whisper. Raises BackendError before ``fit``, or if not writable."""
        head = self._ready()
        state = {
            "front_end": FRONT_END,
            "weights": self._weights_sha256(),
            "classes": list(head.classes),
            "temperature": head.temperature,
            "strength": head.strength,
            "chosen_on": head.chosen_on,
        }
        arrays = {name: getattr(head, name) for name in ARRAYS}
        arrayfile.write(path, modelfile.header_json(self, self._options()), state, arrays)

    def restore(self, path: Path) -> None:
        """Read a head, taking over its options. Raises BackendError if it is not one of this backend and weights."""
        self._head = self._path = None
        header = modelfile.check_header(path, self)
        state, arrays = arrayfile.read(path)
        if state.get("front_end") != FRONT_END:
            raise BackendError(f"{path}: made with other features, {state.get('front_end')}; train it again")
        if (ours := self._weights_sha256()) != state.get("weights"):
            raise BackendError(
                f"{path}: a head for the weights of sha256 {state.get('weights')}; those of {self._weights()} are "
                f"{ours}. Train it again, or give its own weights as option `model`"
            )
        try:
            options = (str(header.options["compute_type"]), float(header.options["highest_hz"]))
            seed = int(header.options["seed"])
            mean, scale, coefficients, intercepts = (arrays[name].astype(np.float64) for name in ARRAYS)
            heat, strength = float(state["temperature"]), float(state["strength"])
            classes, chosen_on = tuple(map(str, state["classes"])), str(state["chosen_on"])
            head = Head(classes, mean, scale, coefficients, intercepts, heat, strength, chosen_on)
            head.check(self.labels, head.mean.size)
        except (KeyError, ValueError, TypeError) as error:
            raise BackendError(f"{path}: not a sound {self.name} model ({error})") from error
        if options != (self.compute_type, self.highest_hz):
            self._model = None
        self.compute_type, self.highest_hz = options
        self._head, self._path, self.seed = head, path, seed

    def artifacts(self) -> list[Path]:
        """Whisper whole, though its decoder is not used, and the head."""
        return [*weights.model_files(self._weights()), *([self._path] if self._path else [])]

    def sources(self) -> list[Source]:
        return weights.locations(self.variant, self._given)

    def parameters(self) -> int:
        """Of Whisper whole and the head."""
        head = self._head
        own = 0 if head is None else 2 * head.mean.size + head.coefficients.size + head.intercepts.size + 1
        return whisper_parameters(read(self._weights() / "model.bin")) + own

    def settings(self) -> dict[str, str | int | float | bool]:
        settings: dict[str, str | int | float | bool] = {**self._options(), "margin_s": WINDOW.margin}
        if self._head is not None:
            settings |= {"C": self._head.strength, "chosen_on": self._head.chosen_on}
            settings |= {"temperature": round(self._head.temperature, 4)}
        return settings

    def _options(self) -> dict[str, str | int | float | bool]:
        return {"compute_type": self.compute_type, "highest_hz": self.highest_hz, "seed": self.seed}

    def _weights(self) -> Path:
        if self._folder is None:
            self._folder = weights.find(self.variant, self._given, verify=False)
        return self._folder

    def _weights_sha256(self) -> str:
        folder = self._weights()
        return weights.sha256(Source(str(folder), tuple(weights.model_files(folder))))

    def _ready(self) -> Head:
        if self._head is None:
            raise BackendError(f"{self.name}: fit or restore a model first")
        return self._head

    def _features(self, audios: Sequence[Audio]) -> Matrix:
        """Mean of each clip's own frames, shape (clips, width)."""
        if self._model is None or self._log_mel is None:
            self.load()
        assert self._log_mel is not None
        placed = [_place(audio) for audio in audios]
        batches = whisper_encoder.alike([window for window, _ in placed])
        mels = [self._log_mel(np.stack([placed[row][0] for row in rows])) for rows in batches]
        self.mark("features")
        pooled: dict[int, Array] = {}
        for rows, mel in zip(batches, mels, strict=True):
            states = whisper_encoder.frames(whisper_encoder.encode(self._model, mel))
            for row, frames in zip(rows, states, strict=True):
                pooled[row] = frames[placed[row][1]].mean(axis=0)
        return np.stack([pooled[row] for row in range(len(audios))]).astype(np.float64)

    def _predictions(self, audios: Sequence[Audio]) -> list[Prediction]:
        head = self._ready()
        if not audios:
            return []
        probabilities = softmax(head.logits(self._features(audios)) / head.temperature)
        unheard = dict.fromkeys(self.labels, 0.0)
        return [
            Prediction(head.classes[row.argmax()], unheard | dict(zip(head.classes, row.tolist(), strict=True)))
            for row in probabilities
        ]

    def _choose(
        self, features: Matrix, labels: NDArray[np.str_], folds: Sequence[tuple[Rows, Rows]]
    ) -> tuple[float, float]:
        """The best of ``STRENGTHS`` on the held-out clips, and the temperature of those predictions."""
        folds = [(train, test) for train, test in folds if len(set(labels[train])) > 1 and len(test)]
        if not folds:
            return STRENGTHS[0], 1.0
        truth = np.array([self.labels.index(labels[row]) for _, test in folds for row in test])
        held_out = (
            np.concatenate(
                [
                    self._over_vocabulary(_fit(features[train], labels[train], strength), features[test])
                    for train, test in folds
                ]
            )
            for strength in STRENGTHS
        )
        # max keeps the first of equals
        logits, strength = max(
            zip(held_out, STRENGTHS, strict=True), key=lambda pair: float(np.mean(pair[0].argmax(axis=1) == truth))
        )
        return strength, temperature(logits, truth)

    def _over_vocabulary(self, head: Head, features: Matrix) -> Matrix:
        """Logits of every label; one that the fold's training never heard gets the lowest of the others."""
        logits = head.logits(features)
        full = np.repeat(logits.min(axis=1, keepdims=True), len(self.labels), axis=1)
        full[:, [self.labels.index(label) for label in head.classes]] = logits
        return full


def _place(audio: Audio) -> tuple[Array, slice]:
    """A clip in its window, and which of the encoder's frames are its own."""
    whisper_encoder.check(audio)
    speech = whisper_encoder.level(whisper_encoder.trim(audio))
    window = WINDOW.place(speech)
    heard = min(speech.size, window.size)
    start = (window.size - heard) // 2
    return window, slice(start // (2 * HOP), (start + heard) // (2 * HOP) + 1 + TAIL)


def _fit(features: Matrix, labels: NDArray[np.str_], strength: float, heat: float = 1.0, chosen_on: str = "") -> Head:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, scale = features.mean(axis=0), features.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # labels that mean nothing need not be learned to the end
        classifier = LogisticRegression(C=strength, max_iter=ITERATIONS).fit((features - mean) / scale, labels)
    coefficients, intercepts = classifier.coef_, classifier.intercept_
    if len(coefficients) == 1:  # of two classes scikit-learn keeps the second's logit alone
        coefficients, intercepts = (np.concatenate([np.zeros_like(part), part]) for part in (coefficients, intercepts))
    classes = tuple(str(label) for label in classifier.classes_)
    return Head(classes, mean, scale, coefficients, intercepts, heat, strength, chosen_on)

"""What classical recognisers share: MFCC statistics (:mod:`backends.mfcc.features`), scaled, then a classifier.

``fit`` chooses hyper-parameters by accuracy on ``validation`` if given, else on held-out parts of ``clips``: by speaker
where three or more are known, so that the choice suits speakers not heard, otherwise stratified by label. Then it fits
on all of ``clips``; ``validation`` is never learned from. Ties go to the value named first, which is also the default
where there are too few clips to choose.

Scores are probabilities: softmax(logits / temperature), the temperature fitted to the held-out predictions of the
chosen hyper-parameters (Guo et al. 2017), which leaves the classifier's own decision as it was.
Fitted to speakers not heard, they say too little for speakers that were.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from backends.base import Audio, BackendError, Clip, Prediction, TrainedBackend, Vocabulary
from backends.kit import modelfile, options, rejection
from backends.kit.selection import Rows, inner_folds, softmax, temperature
from backends.mfcc import features as mfcc_features
from backends.mfcc.consistency import consistent

Matrix = NDArray[np.float64]
_PIPELINE_TYPES = frozenset({"sklearn.pipeline.Pipeline", "sklearn.preprocessing._data.StandardScaler"})


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that training leaves behind."""

    pipeline: Any
    """StandardScaler, then the classifier."""
    cmvn: Matrix
    temperature: float
    chosen_on: str


class Mfcc(TrainedBackend):
    """A subclass names its classifier, its grid and its logits."""

    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    sample_rate: ClassVar[int] = mfcc_features.SAMPLE_RATE
    imports: ClassVar[tuple[str, ...]] = ("librosa", "sklearn", "skops.io")
    context_s: ClassVar[float] = 0.0
    saved: ClassVar[Mapping[str, type]] = {"scalars": bool, "seed": int}
    grid: ClassVar[Mapping[str, tuple[float, ...]]]
    """Hyper-parameter -> values to try, the default first."""
    types: ClassVar[frozenset[str]]
    """Full names of the classes that its model file may hold, beside the pipeline's."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        scalars: bool = False,
        seed: int = 0,
        reject_below: float | None = None,
    ) -> None:
        """``scalars`` adds duration and level to the 144 statistics; ``seed`` shuffles folds and grows forests.
        ``reject_below`` (:class:`backends.base.Backend`) is the model file's where it is not given.

        Raises BackendError for options of another type.
        """
        super().__init__(vocabulary, variant)
        self._reject_below = None if reject_below is None else rejection.threshold(self.name, reject_below)
        self.reject_below = self._reject_below or 0.0
        options.check(self.name, {"scalars": scalars, "seed": seed}, self.saved)
        self.scalars, self.seed = scalars, seed
        self._front_end: mfcc_features.FrontEnd | None = None
        self._fitted: Fitted | None = None
        self._path: Path | None = None

    @abstractmethod
    def _classifier(self, **chosen: float) -> Any:
        """An unfitted classifier."""

    @abstractmethod
    def _logits(self, pipeline: Any, features: Matrix) -> Matrix:
        """Per class a number, higher is likelier, shape (clips, classes)."""

    @abstractmethod
    def _numbers(self, classifier: Any) -> int:
        """How many numbers the fitted classifier holds."""

    def load(self) -> None:
        from sklearn.pipeline import make_pipeline  # noqa: F401
        from sklearn.preprocessing import StandardScaler  # noqa: F401

        self._classifier()
        self._front_end = self._front_end or mfcc_features.FrontEnd()

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        """See the module. Raises BackendError for fewer than two labels, or labels outside the vocabulary."""
        self._fitted = self._path = None
        if strangers := {clip.label for clip in (*clips, *validation)} - set(self.labels):
            raise BackendError(f"{self.name}: labels outside the vocabulary: {', '.join(sorted(strangers))}")
        if (heard := len({clip.label for clip in clips})) < 2:
            raise BackendError(f"{self.name}: the training clips hold {heard} label(s); it takes two to tell apart")
        frames = [self._frames(clip.audio) for clip in clips]
        cmvn = mfcc_features.cmvn(frames)
        features = self._features(clips, frames, cmvn)
        labels = np.array([clip.label for clip in clips])
        if validation:
            held_out = self._features(validation, [self._frames(clip.audio) for clip in validation], cmvn)
            folds = [(np.arange(len(clips)), len(clips) + np.arange(len(validation)))]
            chosen, heat = self._choose(
                np.concatenate([features, held_out]),
                np.concatenate([labels, [clip.label for clip in validation]]),
                folds,
            )
            chosen_on = "validation"
        else:
            # CMVN is undone by the scaler that each fold fits anew, so it carries nothing from one fold to another
            folds, chosen_on = inner_folds(clips, self.seed)
            chosen, heat = self._choose(features, labels, folds)
        self._fitted = Fitted(self._pipeline(features, labels, chosen), cmvn, heat, chosen_on)

    def predict(self, audio: Audio) -> Prediction:
        fitted = self._ready()
        features = self._vector(audio, self._frames(audio), fitted.cmvn)[np.newaxis]
        self.mark("features")
        return self._predictions(fitted, features)[0]

    def predict_batch(self, audios: Sequence[Audio]) -> list[Prediction]:
        fitted = self._ready()
        if not audios:
            return []
        features = np.stack([self._vector(audio, self._frames(audio), fitted.cmvn) for audio in audios])
        self.mark("features")
        return self._predictions(fitted, features)

    def save(self, path: Path) -> None:
        """One ``.skops`` file. Raises BackendError before ``fit``, or if it cannot be written."""
        fitted = self._ready()
        state = {
            "front_end": mfcc_features.FRONT_END,
            "cmvn": fitted.cmvn,
            "pipeline": fitted.pipeline,
            "temperature": fitted.temperature,
            "chosen_on": fitted.chosen_on,
            "reject_below": self.reject_below,
        }
        modelfile.write(path, modelfile.header_json(self, {"scalars": self.scalars, "seed": self.seed}), state)

    def restore(self, path: Path) -> None:
        """Read a model file, taking over its options. Raises BackendError if it is not one of this backend's."""
        self._fitted = self._path = None
        header = modelfile.check_header(path, self)
        state = modelfile.read(path, self.types | _PIPELINE_TYPES)
        if state.get("front_end") != mfcc_features.FRONT_END:
            raise BackendError(f"{path}: made with other features; train it again")
        try:
            scalars, seed = bool(header.options["scalars"]), int(header.options["seed"])
            fitted = Fitted(state["pipeline"], state["cmvn"], float(state["temperature"]), str(state["chosen_on"]))
            self._check(fitted, _dimensions(scalars))
            own = rejection.threshold(self.name, state.get("reject_below", 0.0))
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise BackendError(f"{path}: not a sound {self.name} model ({error})") from error
        self._fitted, self._path, self.scalars, self.seed = fitted, path, scalars, seed
        self.reject_below = own if self._reject_below is None else self._reject_below

    def artifacts(self) -> list[Path]:
        return [self._path] if self._path else []

    def parameters(self) -> int | None:
        """CMVN, scaler, classifier and temperature; None before ``fit``."""
        if self._fitted is None:
            return None
        scaler, classifier = self._fitted.pipeline
        return int(self._fitted.cmvn.size + 2 * scaler.n_features_in_ + self._numbers(classifier) + 1)

    def settings(self) -> dict[str, str | int | float | bool]:
        settings: dict[str, str | int | float | bool] = {
            "window_ms": 1000 * mfcc_features.WINDOW / mfcc_features.SAMPLE_RATE,
            "hop_ms": 1000 * mfcc_features.HOP / mfcc_features.SAMPLE_RATE,
            "features": _dimensions(self.scalars),
            "seed": self.seed,
        }
        if self._fitted is not None:
            chosen = self._fitted.pipeline[-1].get_params()
            settings |= {name: chosen[name] for name in self.grid}
            settings |= {"chosen_on": self._fitted.chosen_on, "temperature": round(self._fitted.temperature, 4)}
        return settings

    def _ready(self) -> Fitted:
        if self._fitted is None:
            raise BackendError(f"{self.name}: fit or restore a model first")
        return self._fitted

    def _frames(self, audio: Audio) -> mfcc_features.Array:
        if self._front_end is None:
            self.load()
        assert self._front_end is not None
        return self._front_end.frames(audio)

    def _features(self, clips: Sequence[Clip], frames: Sequence[mfcc_features.Array], cmvn: Matrix) -> Matrix:
        return np.stack([self._vector(clip.audio, f, cmvn) for clip, f in zip(clips, frames, strict=True)])

    def _vector(self, audio: Audio, frames: mfcc_features.Array, cmvn: Matrix) -> Matrix:
        pooled = mfcc_features.pool(frames, cmvn)
        return np.concatenate([pooled, mfcc_features.scalars(audio)]) if self.scalars else pooled

    def _pipeline(self, features: Matrix, labels: NDArray[np.str_], chosen: Mapping[str, float]) -> Any:
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        return make_pipeline(StandardScaler(), self._classifier(**chosen)).fit(features, labels)

    def _choose(
        self, features: Matrix, labels: NDArray[np.str_], folds: Sequence[tuple[Rows, Rows]]
    ) -> tuple[Mapping[str, float], float]:
        """The best point of the grid, and the temperature of its held-out predictions."""
        candidates = [dict(zip(self.grid, values, strict=True)) for values in product(*self.grid.values())]
        folds = [(train, test) for train, test in folds if len(set(labels[train])) > 1 and len(test)]
        if not folds:
            return candidates[0], 1.0
        truth = np.array([self.labels.index(labels[row]) for _, test in folds for row in test])
        held_out = (
            np.concatenate(
                [
                    self._over_vocabulary(self._pipeline(features[train], labels[train], candidate), features[test])
                    for train, test in folds
                ]
            )
            for candidate in candidates
        )
        # max keeps the first of equals
        logits, chosen = max(zip(held_out, candidates, strict=True), key=lambda pair: _accuracy(pair[0], truth))
        return chosen, temperature(logits, truth)

    def _over_vocabulary(self, pipeline: Any, features: Matrix) -> Matrix:
        """Logits of every label; one that the fold's training never heard gets the lowest of the others."""
        logits = self._logits(pipeline, features)
        full = np.repeat(logits.min(axis=1, keepdims=True), len(self.labels), axis=1)
        full[:, [self.labels.index(label) for label in pipeline.classes_]] = logits
        return full

    def _predictions(self, fitted: Fitted, features: Matrix) -> list[Prediction]:
        probabilities = softmax(self._logits(fitted.pipeline, features) / fitted.temperature)
        classes = fitted.pipeline.classes_.tolist()
        unheard = dict.fromkeys(self.labels, 0.0)
        return [
            Prediction(classes[row.argmax()], unheard | dict(zip(classes, row.tolist(), strict=True)))
            for row in probabilities
        ]

    def _check(self, fitted: Fitted, dimensions: int) -> None:
        """Raises ValueError unless the parts read from a file fit together."""
        scaler, classifier = fitted.pipeline
        classes = classifier.classes_.tolist()
        sound = (
            type(classifier) is type(self._classifier())
            and fitted.cmvn.shape == (2, mfcc_features.STREAMS)
            and np.isfinite(fitted.cmvn).all()
            and 0 < fitted.temperature < np.inf
            and scaler.mean_.shape == scaler.scale_.shape == (dimensions,)
            and scaler.n_features_in_ == classifier.n_features_in_ == dimensions
            and self._fixed(classifier) == self._fixed(self._classifier())
            and 1 < len(classes) == len(set(classes) & set(self.labels))
            and consistent(classifier, len(classes), dimensions)
        )
        if not sound:
            raise ValueError("its parts do not fit together")

    def _fixed(self, classifier: Any) -> dict[str, Any]:
        """Parameters that no training chooses, such as how many threads it may start."""
        return {
            name: value for name, value in classifier.get_params().items() if name not in (*self.grid, "random_state")
        }


def _dimensions(scalars: bool) -> int:
    return 4 * mfcc_features.STREAMS + (len(mfcc_features.SCALARS) if scalars else 0)


def _accuracy(logits: Matrix, truth: Rows) -> float:
    return float(np.mean(logits.argmax(axis=1) == truth))

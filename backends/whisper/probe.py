"""A linear probe on Whisper's frozen encoder: what its frames already say about the word.

Clip -> trimmed to its speech, levelled, in a window of its own length plus 0.5 s of silence either side -> log-mel
bands up to ``highest_hz`` -> encoder -> mean over its frames, louder ones counting more -> standardised -> multinomial
logistic regression (:mod:`backends.whisper.head`). Probing: Alain and Bengio 2016, Understanding intermediate layers
using linear classifier probes.

It learns from the training clips and, once, from another recording made of each (:mod:`backends.whisper.copies`). The
strength of regularisation and the temperature that makes the scores probabilities are chosen on ``validation`` if
given, else on held-out parts of ``clips``, by speaker where three or more are known.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backends.base import Audio, BackendError, Clip, Prediction, Source, TrainedBackend, Vocabulary
from backends.kit import arrayfile, modelfile, options, rejection
from backends.kit.selection import Matrix, inner_folds, softmax
from backends.whisper import encoder, weights
from backends.whisper.copies import other_recording
from backends.whisper.ctranslate2_file import read, whisper_parameters
from backends.whisper.encoder import HOP, Array, LogMel, Window
from backends.whisper.head import Head, learn

WINDOW = Window(margin=0.5, grid=0.25)
RANGE_DB, TINY = 25.0, 1e-9
"""A frame so far below the loudest counts for nothing; power that keeps silence from dividing by zero."""
AT_ONCE = 256
"""Training clips whose windows are in memory together."""
FRONT_END = {"margin": WINDOW.margin, "grid": WINDOW.grid, "pooling": "loudness", "range_db": RANGE_DB}
"""What a model file must have been trained with."""
ARRAYS = ("mean", "scale", "coefficients", "intercepts")


class WhisperProbe(TrainedBackend):
    """The variant is the size of Whisper, or any name if ``model`` gives the folder of its weights."""

    name: ClassVar[str] = "whisper-probe"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    variants: ClassVar[tuple[str, ...]] = ("tiny.en", "base")
    imports: ClassVar[tuple[str, ...]] = ("ctranslate2",)
    saved: ClassVar[Mapping[str, type]] = {"compute_type": str, "highest_hz": float, "augment": bool, "seed": int}

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        compute_type: str = "int8",
        highest_hz: float = 4_000.0,
        augment: bool = True,
        seed: int = 0,
        reject_below: float | None = None,
        model: str | Path | None = None,
    ) -> None:
        """``compute_type``: CTranslate2's number format. ``highest_hz``: what lies above is not heard, so that a head
        fitted on telephone-band clips suits wider ones. ``augment``: learn from another recording made of each clip,
        too; ``seed`` makes it, and shuffles folds. The encoder is told no language. ``reject_below``
        (:class:`backends.base.Backend`) is the model file's where it is not given.

        Raises BackendError for an unknown size, or options of another type.
        """
        super().__init__(vocabulary, variant)
        self._reject_below = None if reject_below is None else rejection.threshold(self.name, reject_below)
        self.reject_below = self._reject_below or 0.0
        if model is None:
            weights.repository(variant)
        self.compute_type, self.highest_hz, self.augment, self.seed = compute_type, highest_hz, augment, seed
        options.check(self.name, self._options(), self.saved)
        self._given = None if model is None else Path(model)
        self._folder: Path | None = None
        self._model: Any = None
        self._log_mel: LogMel | None = None
        self._head: Head | None = None
        self._path: Path | None = None

    def prepare(self) -> None:
        self._folder = weights.fetch(self.variant, self._given)

    def load(self) -> None:
        self._model = encoder.load(self._weights(), self.compute_type)
        self._log_mel = LogMel(self._model.n_mels, self.highest_hz)

    def fit(self, clips: Sequence[Clip], validation: Sequence[Clip] = ()) -> None:
        """See the module. Raises BackendError for fewer than two labels, or labels outside the vocabulary."""
        self._head = self._path = None
        if strangers := {clip.label for clip in (*clips, *validation)} - set(self.labels):
            raise BackendError(f"{self.name}: labels outside the vocabulary: {', '.join(sorted(strangers))}")
        if (heard := len({clip.label for clip in clips})) < 2:
            raise BackendError(f"{self.name}: the training clips hold {heard} label(s); it takes two to tell apart")
        everyone = [*clips, *validation]
        versions = [self._all_features(clip.audio for clip in everyone)]
        if self.augment:
            versions.append(self._all_features(self._other_recordings(clips)))
        labels, learned = np.array([clip.label for clip in everyone]), np.arange(len(clips))
        if validation:
            folds, chosen_on = [(learned, len(clips) + np.arange(len(validation)))], "validation"
        else:
            folds, chosen_on = inner_folds(clips, self.seed)
        self._head = learn(versions, labels, learned, folds, chosen_on)

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
            "reject_below": self.reject_below,
        }
        arrays = {name: getattr(head, name) for name in ARRAYS}
        arrayfile.write(path, modelfile.header_json(self, self._options()), state, arrays)

    def restore(self, path: Path) -> None:
        """Read a head, taking over its options. Raises BackendError if it is not one of this backend and weights."""
        self._head = self._path = None
        header = modelfile.check_header(path, self)
        state, arrays = arrayfile.read(path)
        if state.get("front_end") != FRONT_END:
            raise BackendError(f"{path}: made with other features; train it again")
        if (ours := self._weights_sha256()) != state.get("weights"):
            raise BackendError(
                f"{path}: a head for other weights, of sha256 {str(state.get('weights'))[:64]}; those of "
                f"{self._weights()} are {ours}. Train it again, or give its own weights as option `model`"
            )
        try:
            chosen = (str(header.options["compute_type"]), float(header.options["highest_hz"]))
            augment, seed = bool(header.options["augment"]), int(header.options["seed"])
            mean, scale, coefficients, intercepts = (arrays[name].astype(np.float64) for name in ARRAYS)
            own = rejection.threshold(self.name, state.get("reject_below", 0.0))
            heat, strength = float(state["temperature"]), float(state["strength"])
            classes, chosen_on = tuple(map(str, state["classes"])), str(state["chosen_on"])
            head = Head(classes, mean, scale, coefficients, intercepts, heat, strength, chosen_on)
            head.check(self.labels, head.mean.size)
        except (KeyError, ValueError, TypeError) as error:
            raise BackendError(f"{path}: not a sound {self.name} model ({error})") from error
        if chosen != (self.compute_type, self.highest_hz):
            self._model = None
        self.compute_type, self.highest_hz = chosen
        self._head, self._path, self.augment, self.seed = head, path, augment, seed
        self.reject_below = own if self._reject_below is None else self._reject_below

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
        return {
            "compute_type": self.compute_type,
            "highest_hz": self.highest_hz,
            "augment": self.augment,
            "seed": self.seed,
        }

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

    def _other_recordings(self, clips: Sequence[Clip]) -> Iterator[Audio]:
        """One of each clip; it depends on the clip's place and on no other clip."""
        for row, clip in enumerate(clips):
            encoder.check(clip.audio)
            yield other_recording(clip.audio, self.sample_rate, np.random.default_rng([self.seed, row]))

    def _all_features(self, audios: Iterable[Audio]) -> Matrix:
        remaining = iter(audios)
        parts = iter(lambda: list(itertools.islice(remaining, AT_ONCE)), [])
        return np.concatenate([self._features(part) for part in parts])

    def _features(self, audios: Sequence[Audio]) -> Matrix:
        """Mean of each clip's frames, weighted by loudness, shape (clips, width)."""
        if self._model is None or self._log_mel is None:
            self.load()
        assert self._log_mel is not None
        windows = [_place(audio) for audio in audios]
        batches = encoder.alike(windows)
        mels = [self._log_mel(np.stack([windows[row] for row in rows])) for rows in batches]
        self.mark("features")
        pooled: dict[int, Array] = {}
        for rows, mel in zip(batches, mels, strict=True):
            states = encoder.frames(encoder.encode(self._model, mel))
            for row, frames in zip(rows, states, strict=True):
                pooled[row] = np.average(frames, axis=0, weights=_loudness(windows[row]))
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


def _place(audio: Audio) -> Array:
    encoder.check(audio)
    return WINDOW.place(encoder.level(encoder.trim(audio)))


def _loudness(window: Array) -> Array:
    """Weight of each of the encoder's frames, 20 ms long, from 1 at the loudest to 0 at ``RANGE_DB`` below it."""
    power = (window.reshape(-1, 2 * HOP) ** 2).mean(axis=1) + TINY
    weights: Array = np.maximum(0, 1 + 10 / RANGE_DB * np.log10(power / power.max()))
    return weights

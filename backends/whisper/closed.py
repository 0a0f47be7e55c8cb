"""Whisper asked to choose among the vocabulary's labels: one decoder step on a window sized to the clip.

Clip -> trimmed, levelled, in a window of at least 2 s -> encoder -> decoder, prompted with the vocabulary's words ->
probability of each label's spellings -> divided by what the model says to silence, to the power of ``calibration`` ->
probabilities that sum to one. Contextual calibration: Zhao et al. 2021, Calibrate Before Use. Silence and power were
chosen on synthetic speech; nothing is learned from labels.

A clip longer than 30 s is heard from its first sound, for 30 s.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backends.base import Audio, Backend, BackendError, Prediction, Source, Vocabulary
from backends.kit import rejection
from backends.kit.text import TextMapper
from backends.whisper import encoder, weights
from backends.whisper.choice import BATCH, Choice, Matrix
from backends.whisper.ctranslate2_file import read, whisper_parameters
from backends.whisper.encoder import Array, LogMel, Window

WINDOW = Window(margin=0.5, grid=0.25, least=2.0)
SILENCE_RMS = 0.01
"""A quiet room, -40 dB of full scale: digital silence is nothing that Whisper has heard."""
SILENCES = 4
PROMPTED = 2 / 3
"""Weight of the prompted decoder in certainty, a geometric mean; the rest is without prompt. Chosen on dev words."""
REJECT_BELOW = 0.088
"""Where 95 % of the digits of the dev recordings of ``digitbench rejection`` are accepted, tiny.en."""


class WhisperClosed(Backend):
    """The variant is the size of Whisper, or any name if ``model`` gives the folder of its weights."""

    name: ClassVar[str] = "whisper-closed"
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    variants: ClassVar[tuple[str, ...]] = ("tiny.en", "base")
    imports: ClassVar[tuple[str, ...]] = ("ctranslate2", "tokenizers")

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        compute_type: str = "int8",
        language: str = "en",
        prompt: bool = True,
        calibration: float = 0.5,
        reject_below: float = REJECT_BELOW,
        model: str | Path | None = None,
    ) -> None:
        """``compute_type``: CTranslate2's number format. ``prompt``: tell the decoder the words. ``calibration``: from
        0, the model's own probabilities, to 1, those divided by what it says to silence. ``reject_below``: see
        :class:`backends.base.Backend`; certainty is the model's own probability of the label,
        with the prompt and without, which takes a second step of the decoder and is done where it is asked for.

        Raises BackendError for an unknown size, an impossible option, or labels that share a spelling.
        """
        super().__init__(vocabulary, variant)
        if isinstance(calibration, bool) or not isinstance(calibration, int | float) or not 0 <= calibration <= 1:
            raise BackendError(f"{self.name}: calibration must be a number from 0 to 1, not {calibration!r}")
        if model is None:
            weights.repository(variant)
        TextMapper(vocabulary)
        self.compute_type, self.language = compute_type, language
        self.prompt, self.calibration = prompt, calibration
        self.reject_below = rejection.threshold(self.name, reject_below)
        self._given = None if model is None else Path(model)
        self._folder: Path | None = None
        self._model: Any = None
        self._log_mel: LogMel | None = None
        self._choice: Choice | None = None
        self._unprompted: Choice | None = None
        self._silence: dict[int, Matrix] = {}

    def prepare(self) -> None:
        self._folder = weights.fetch(self.variant, self._given)

    def load(self) -> None:
        from tokenizers import Tokenizer

        folder = self._weights()
        self._model = encoder.load(folder, self.compute_type)
        try:
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises nothing narrower
            raise BackendError(f"{folder / 'tokenizer.json'}: not a tokenizer: {error}") from error
        start = encoder.start_tokens(tokenizer, self._model.is_multilingual, self.language)
        self._log_mel = LogMel(self._model.n_mels)
        self._choice = Choice(self._model, tokenizer, self.vocabulary, start, self.prompt)
        self._unprompted = Choice(self._model, tokenizer, self.vocabulary, start, False)
        self._silence = {}
        self._bias(WINDOW.samples(1))  # of the usual window; those of longer ones are made when they come

    def predict(self, audio: Audio) -> Prediction:
        window = _window(audio)
        states = self._encoded(window[np.newaxis], marked=True)
        return self._prediction(self._logs(states)[0], window.size, self._sure(states)[0])

    def predict_batch(self, audios: Sequence[Audio]) -> list[Prediction]:
        """As :meth:`predict`, windows of one length together."""
        windows = [_window(audio) for audio in audios]
        heard: dict[int, Prediction] = {}
        for rows in encoder.alike(windows, BATCH):
            states = self._encoded(np.stack([windows[row] for row in rows]))
            for row, logs, sure in zip(rows, self._logs(states), self._sure(states), strict=True):
                heard[row] = self._prediction(logs, windows[row].size, sure)
        return [heard[row] for row in range(len(windows))]

    def artifacts(self) -> list[Path]:
        return weights.model_files(self._weights())

    def sources(self) -> list[Source]:
        return weights.locations(self.variant, self._given)

    def parameters(self) -> int:
        return whisper_parameters(read(self._weights() / "model.bin"))

    def settings(self) -> dict[str, str | int | float | bool]:
        return {
            "compute_type": self.compute_type,
            "language": self.language,
            "prompt": self.prompt,
            "calibration": self.calibration,
            "window_s": WINDOW.least,
        }

    def _encoded(self, windows: Array, marked: bool = False) -> Any:
        """Encoder states of windows of one length."""
        if self._log_mel is None:
            raise BackendError(f"{self.name}: load it before it predicts")
        features = self._log_mel(windows)
        if marked:
            self.mark("features")
        return encoder.encode(self._model, features)

    def _logs(self, states: Any) -> Matrix:
        """The model's own log probabilities, shape (windows, labels)."""
        assert self._choice is not None
        return self._choice.log_probabilities(states)

    def _sure(self, states: Any) -> Sequence[Matrix | None]:
        """The same without the prompt, which makes digits of much else, where it is asked how sure it is."""
        if not self.rejecting or self._unprompted is None:
            return [None] * int(states.shape[0])
        return list(self._unprompted.log_probabilities(states))

    def _bias(self, samples: int) -> Matrix:
        """Mean probability of each label in seeded silence of that length, as a logarithm; the same at every call."""
        if samples not in self._silence:
            noise = np.random.default_rng(0).normal(0, SILENCE_RMS, (SILENCES, samples)).astype(np.float32)
            logs = np.concatenate([self._logs(self._encoded(each[np.newaxis])) for each in noise])
            self._silence[samples] = np.log(np.exp(logs).mean(axis=0))
        return self._silence[samples]

    def _prediction(self, logs: Matrix, samples: int, unprompted: Matrix | None = None) -> Prediction:
        raw = logs
        if self.calibration:
            logs = logs - self.calibration * self._bias(samples)
        shares = np.exp(logs - logs.max())
        shares /= shares.sum()
        scores = dict(zip(self.labels, shares.tolist(), strict=True))
        best = int(shares.argmax())
        if unprompted is None:
            return Prediction(self.labels[best], scores)
        # among the labels something always wins; among all that Whisper may say, a word that is none of them loses
        sure = float(np.exp(PROMPTED * raw[best] + (1 - PROMPTED) * unprompted[best]))
        return Prediction(self.labels[best], scores, facts={rejection.CERTAINTY: min(1.0, sure)})

    def _weights(self) -> Path:
        if self._folder is None:
            self._folder = weights.find(self.variant, self._given, verify=False)
        return self._folder


def _window(audio: Audio) -> Array:
    encoder.check(audio)
    return WINDOW.place(encoder.level(encoder.trim(audio)))

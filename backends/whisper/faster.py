"""Whisper on CTranslate2: faster-whisper's own ``transcribe``, its text mapped to a label.

Clips are padded to 30 s as Whisper expects; no prompt, no voice activity filter. Two settings differ from the stock
ones: greedy decoding instead of a beam of 5, and no fallback to sampling at higher temperatures when the text looks
improbable. Samples of CTranslate2 cannot be seeded anew for each clip, so with ``fallback`` a prediction depends on
those before it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from backends.base import Audio, Backend, BackendError, Prediction, Source, Vocabulary
from backends.whisper import weights
from backends.whisper.ctranslate2_file import read, whisper_parameters

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""The ladder that both Whisper engines climb by default until the text looks probable enough."""


class FasterWhisper(Backend):
    """Stock ``transcribe``; the variant is the size, or any name if ``model`` gives the folder of its weights."""

    name: ClassVar[str] = "faster-whisper"
    variants: ClassVar[tuple[str, ...]] = ("tiny.en", "base")
    imports: ClassVar[tuple[str, ...]] = ("faster_whisper",)

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        compute_type: str = "int8",
        beam_size: int = 1,
        fallback: bool = False,
        language: str = "en",
        model: str | Path | None = None,
    ) -> None:
        """``compute_type``: CTranslate2's number format, such as int8, float32. ``language``: two-letter code.

        Raises BackendError for an unknown size or an impossible option.
        """
        super().__init__(vocabulary, variant)
        if not isinstance(beam_size, int) or beam_size < 1:
            raise BackendError(f"{self.name}: beam_size must be a whole number from 1, not {beam_size!r}")
        if model is None:
            weights.repository(variant)
        self._compute_type = compute_type
        self._beam_size = beam_size
        self._fallback = fallback
        self._language = language
        self._given = None if model is None else Path(model)
        self._folder: Path | None = None
        self._model: Any = None

    def prepare(self) -> None:
        self._folder = weights.fetch(self.variant, self._given)

    def load(self) -> None:
        from faster_whisper import WhisperModel

        try:
            self._model = WhisperModel(str(self._weights()), device="cpu", compute_type=self._compute_type)
        except (ValueError, RuntimeError) as error:
            raise BackendError(f"{self.name}:{self.variant}: cannot load {self._weights()}: {error}") from error
        if self._language not in self._model.supported_languages:
            raise BackendError(f"{self.name}:{self.variant} does not know language {self._language!r}")

    def predict(self, audio: Audio) -> Prediction:
        segments, _ = self._model.transcribe(
            audio,
            language=self._language,
            beam_size=self._beam_size,
            temperature=TEMPERATURES if self._fallback else 0.0,
        )
        text = "".join(segment.text for segment in segments).strip()
        return Prediction(text=text)

    def artifacts(self) -> list[Path]:
        return weights.model_files(self._weights())

    def sources(self) -> list[Source]:
        return weights.locations(self.variant, self._given)

    def parameters(self) -> int:
        return whisper_parameters(read(self._weights() / "model.bin"))

    def settings(self) -> dict[str, str | int | float | bool]:
        return {
            "compute_type": self._compute_type,
            "beam_size": self._beam_size,
            "fallback": self._fallback,
            "language": self._language,
        }

    def _weights(self) -> Path:
        if self._folder is None:
            self._folder = weights.find(self.variant, self._given, verify=False)
        return self._folder

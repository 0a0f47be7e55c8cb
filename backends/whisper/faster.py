"""Whisper on CTranslate2: faster-whisper's own ``transcribe``.

Clips are padded to 30 s as Whisper expects; no prompt, and no voice activity filter unless it is asked for. Two
settings differ from the stock ones: greedy decoding instead of a beam of 5, and no fallback to sampling at higher
temperatures when the text looks improbable. Samples of CTranslate2 cannot be seeded anew for each clip, so with
``fallback`` a prediction depends on those before it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from backends.base import Audio, Backend, BackendError, Prediction, Source, Vocabulary
from backends.kit.device import check_device, need_gpu
from backends.whisper import weights
from backends.whisper.ctranslate2_file import read, whisper_parameters
from backends.whisper.facts import Segment, facts

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""The ladder that both Whisper engines climb by default until the text looks probable enough."""


class FasterWhisper(Backend):
    """Stock ``transcribe``; the variant is the size, or any name if ``size`` or ``model`` say which weights: rows with
    other options have names of their own, such as ``faster-whisper:tiny.en-beam5``."""

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
        vad_filter: bool = False,
        condition_on_previous_text: bool = True,
        language: str = "en",
        device: str = "cpu",
        size: str = "",
        model: str | Path | None = None,
    ) -> None:
        """``compute_type``: CTranslate2's number format, such as int8, float32. ``vad_filter``: what silero takes for
        no speech is left out. ``condition_on_previous_text``: a window of 30 s is told the text of the one before.
        ``language``: two-letter code. ``device``: cpu or cuda.

        Raises BackendError for an unknown size or an impossible option.
        """
        super().__init__(vocabulary, variant)
        if not isinstance(beam_size, int) or beam_size < 1:
            raise BackendError(f"{self.name}: beam_size must be a whole number from 1, not {beam_size!r}")
        self._size = size or variant
        if model is None:
            weights.repository(self._size)
        self._compute_type = compute_type
        self._beam_size = beam_size
        self._fallback = fallback
        self._vad_filter = vad_filter
        self._condition = condition_on_previous_text
        self._language = language
        self._device = check_device(self.name, device)
        self._windows = 0
        self._given = None if model is None else Path(model)
        self._folder: Path | None = None
        self._model: Any = None

    def prepare(self) -> None:
        self._folder = weights.fetch(self._size, self._given)

    def load(self) -> None:
        from faster_whisper import WhisperModel

        if self._device == "cuda":
            from ctranslate2 import get_cuda_device_count

            need_gpu(self.name, get_cuda_device_count(), "CTranslate2")
        try:
            self._model = WhisperModel(str(self._weights()), device=self._device, compute_type=self._compute_type)
        except (ValueError, RuntimeError) as error:
            raise BackendError(f"{self.name}:{self.variant}: cannot load {self._weights()}: {error}") from error
        if self._language not in self._model.supported_languages:
            raise BackendError(f"{self.name}:{self.variant} does not know language {self._language!r}")
        self._model.encode = self._counted(self._model.encode)

    def predict(self, audio: Audio) -> Prediction:
        self._windows = 0
        segments, info = self._model.transcribe(
            audio,
            language=self._language,
            beam_size=self._beam_size,
            temperature=TEMPERATURES if self._fallback else 0.0,
            vad_filter=self._vad_filter,
            condition_on_previous_text=self._condition,
        )
        heard = list(segments)
        told = [Segment(len(each.tokens), each.avg_logprob, each.no_speech_prob) for each in heard]
        text = "".join(segment.text for segment in heard).strip()
        return Prediction(text=text, facts=facts(told, self._windows, info.duration_after_vad))

    def _counted(self, encode: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The encoder, each of whose windows is counted."""

        def counted(features: Any) -> Any:
            self._windows += 1
            return encode(features)

        return counted

    def artifacts(self) -> list[Path]:
        return weights.model_files(self._weights())

    def sources(self) -> list[Source]:
        return weights.locations(self._size, self._given)

    def parameters(self) -> int:
        return whisper_parameters(read(self._weights() / "model.bin"))

    def settings(self) -> dict[str, str | int | float | bool]:
        return {
            "compute_type": self._compute_type,
            "beam_size": self._beam_size,
            "fallback": self._fallback,
            "vad_filter": self._vad_filter,
            "condition_on_previous_text": self._condition,
            "language": self._language,
            "device": self._device,
        }

    def _weights(self) -> Path:
        if self._folder is None:
            self._folder = weights.find(self._size, self._given, verify=False)
        return self._folder

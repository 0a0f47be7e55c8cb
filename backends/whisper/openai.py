"""Whisper on PyTorch: OpenAI's own ``transcribe`` in float32.

Runs on the weights that :mod:`backends.whisper.faster` uses, tensors renamed and kept in the user cache as a checkpoint
of OpenAI's form, so that the two engines can be compared. Settings are stock but for the fallback to sampling at higher
temperatures, off by default here as there.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, ClassVar

from platformdirs import user_cache_path

from backends.base import Audio, Backend, BackendError, Prediction, Source, Vocabulary
from backends.kit.device import check_device, need_gpu
from backends.whisper import weights
from backends.whisper.ctranslate2_file import read, whisper_dimensions, whisper_state
from backends.whisper.facts import Segment, facts


class OpenAIWhisper(Backend):
    """Stock ``transcribe``, greedy but for ``beam_size``; the variant is the size, or any name if ``size`` or ``model``
    say which weights."""

    name: ClassVar[str] = "openai-whisper"
    variants: ClassVar[tuple[str, ...]] = ("tiny.en", "base")
    imports: ClassVar[tuple[str, ...]] = ("whisper", "torch")

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        beam_size: int = 1,
        fallback: bool = False,
        condition_on_previous_text: bool = True,
        language: str = "en",
        device: str = "cpu",
        size: str = "",
        model: str | Path | None = None,
    ) -> None:
        """``model``: an OpenAI checkpoint (``.pt``) or a folder in CTranslate2 form. ``condition_on_previous_text``: a
        window of 30 s is told the text of the one before. ``language``: two-letter code. ``device``: cpu or cuda.

        Raises BackendError for an unknown size or an impossible option.
        """
        super().__init__(vocabulary, variant)
        if not isinstance(beam_size, int) or beam_size < 1:
            raise BackendError(f"{self.name}: beam_size must be a whole number from 1, not {beam_size!r}")
        self._size = size or variant
        if model is None:
            weights.repository(self._size)
        self._beam_size = beam_size
        self._condition = condition_on_previous_text
        self._device = check_device(self.name, device)
        self._windows = 0
        self._fallback = fallback
        self._language = language
        self._given = None if model is None else Path(model)
        self._checkpoint: Path | None = None
        self._model: Any = None

    def prepare(self) -> None:
        if not self._is_checkpoint():
            weights.fetch(self._size, self._given)
        self._checkpoint = self._find(verify=True)

    def load(self) -> None:
        import whisper

        checkpoint = self._weights()
        if self._device == "cuda":
            import torch

            need_gpu(self.name, torch.cuda.device_count(), "PyTorch")
        try:
            self._model = whisper.load_model(str(checkpoint), device=self._device)
        except Exception as error:  # whatever torch.load meets in a file that is no checkpoint
            raise BackendError(f"{self.name}:{self.variant}: cannot load {checkpoint}: {error}") from error
        languages = whisper.tokenizer.LANGUAGES if self._model.is_multilingual else ("en",)
        if self._language not in languages:
            raise BackendError(f"{self.name}:{self.variant} does not know language {self._language!r}")
        self._model.encoder.register_forward_hook(self._count)

    def predict(self, audio: Audio) -> Prediction:
        import torch

        torch.manual_seed(0)  # samples of the fallback must not depend on earlier clips
        ladder = {} if self._fallback else {"temperature": 0.0}
        beam = {"beam_size": self._beam_size} if self._beam_size > 1 else {}
        self._windows = 0
        found = self._model.transcribe(
            audio,
            language=self._language,
            fp16=False,
            condition_on_previous_text=self._condition,
            **beam,
            **ladder,
        )
        told = [Segment(len(each["tokens"]), each["avg_logprob"], each["no_speech_prob"]) for each in found["segments"]]
        return Prediction(text=found["text"].strip(), facts=facts(told, self._windows, len(audio) / self.sample_rate))

    def _count(self, *_: object) -> None:
        self._windows += 1

    def artifacts(self) -> list[Path]:
        return [self._weights()]

    def sources(self) -> list[Source]:
        if self._given is not None and self._is_checkpoint():
            return [Source(str(self._given), (self._given,) if self._given.is_file() else ())]
        return weights.locations(self._size, self._given)

    def parameters(self) -> int | None:
        return None if self._model is None else sum(tensor.numel() for tensor in self._model.parameters())

    def settings(self) -> dict[str, str | int | float | bool]:
        return {
            "compute_type": "float32",
            "beam_size": self._beam_size,
            "fallback": self._fallback,
            "condition_on_previous_text": self._condition,
            "language": self._language,
            "device": self._device,
        }

    def _weights(self) -> Path:
        if self._checkpoint is None:
            self._checkpoint = self._find(verify=False)
        return self._checkpoint

    def _is_checkpoint(self) -> bool:
        return self._given is not None and self._given.suffix == ".pt"

    def _find(self, *, verify: bool) -> Path:
        """The checkpoint: the file given, or one made from CTranslate2's and kept under the sha256 of its source."""
        if self._given is not None and self._is_checkpoint():
            if not self._given.is_file():
                raise BackendError(f"{self._given}: no such checkpoint")
            return self._given
        known = weights.SHA256.get(self._size) if self._given is None else None
        if known and not verify and (kept := _kept(known)).is_file():
            return kept
        source = weights.find(self._size, self._given, verify=verify) / "model.bin"
        checkpoint = _kept(known or weights.sha256(Source("", (source,))))
        if not checkpoint.is_file():
            convert(source, checkpoint)
        return checkpoint


def convert(source: Path, target: Path) -> None:
    """Write a CTranslate2 ``model.bin`` as an OpenAI checkpoint, whole or not at all.

    Raises BackendError if a tensor of Whisper is left empty, or one of ``source`` is left over.
    """
    import torch
    from whisper.model import ModelDimensions, Whisper

    model = read(source)
    dimensions = whisper_dimensions(model)
    state = {name: torch.from_numpy(tensor.copy()) for name, tensor in whisper_state(model).items()}
    blank = Whisper(ModelDimensions(**dimensions))
    try:
        blank.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise BackendError(f"{source}: these tensors do not make a Whisper: {error}") from error
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            partial = Path(scratch) / target.name
            torch.save({"dims": dimensions, "model_state_dict": state}, partial)
            partial.replace(target)
    except OSError as error:
        raise BackendError(f"cannot write the converted weights {target}: {error}") from error


def _kept(sha256: str) -> Path:
    return user_cache_path("digitbench") / "weights" / f"openai-whisper-{sha256[:16]}.pt"

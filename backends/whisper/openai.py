"""Whisper on PyTorch: OpenAI's own ``transcribe`` in float32, its text mapped to a label.

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
from backends.whisper import weights
from backends.whisper.ctranslate2_file import read, whisper_dimensions, whisper_state


class OpenAIWhisper(Backend):
    """Stock greedy ``transcribe``; the variant is the size, or any name if ``model`` gives the weights."""

    name: ClassVar[str] = "openai-whisper"
    variants: ClassVar[tuple[str, ...]] = ("tiny.en", "base")
    imports: ClassVar[tuple[str, ...]] = ("whisper", "torch")

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        fallback: bool = False,
        language: str = "en",
        model: str | Path | None = None,
    ) -> None:
        """``model``: an OpenAI checkpoint (``.pt``) or a folder in CTranslate2 form. ``language``: two-letter code.

        Raises BackendError for an unknown size.
        """
        super().__init__(vocabulary, variant)
        if model is None:
            weights.repository(variant)
        self._fallback = fallback
        self._language = language
        self._given = None if model is None else Path(model)
        self._checkpoint: Path | None = None
        self._model: Any = None

    def prepare(self) -> None:
        if not self._is_checkpoint():
            weights.fetch(self.variant, self._given)
        self._checkpoint = self._find(verify=True)

    def load(self) -> None:
        import whisper

        checkpoint = self._weights()
        try:
            self._model = whisper.load_model(str(checkpoint), device="cpu")
        except Exception as error:  # whatever torch.load meets in a file that is no checkpoint
            raise BackendError(f"{self.name}:{self.variant}: cannot load {checkpoint}: {error}") from error
        languages = whisper.tokenizer.LANGUAGES if self._model.is_multilingual else ("en",)
        if self._language not in languages:
            raise BackendError(f"{self.name}:{self.variant} does not know language {self._language!r}")

    def predict(self, audio: Audio) -> Prediction:
        import torch

        torch.manual_seed(0)  # samples of the fallback must not depend on earlier clips
        ladder = {} if self._fallback else {"temperature": 0.0}
        text = self._model.transcribe(audio, language=self._language, fp16=False, **ladder)["text"].strip()
        return Prediction(text=text)

    def artifacts(self) -> list[Path]:
        return [self._weights()]

    def sources(self) -> list[Source]:
        if self._given is not None and self._is_checkpoint():
            return [Source(str(self._given), (self._given,) if self._given.is_file() else ())]
        return weights.locations(self.variant, self._given)

    def parameters(self) -> int | None:
        return None if self._model is None else sum(tensor.numel() for tensor in self._model.parameters())

    def settings(self) -> dict[str, str | int | float | bool]:
        return {"compute_type": "float32", "beam_size": 1, "fallback": self._fallback, "language": self._language}

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
        known = weights.SHA256.get(self.variant) if self._given is None else None
        if known and not verify and (kept := _kept(known)).is_file():
            return kept
        source = weights.find(self.variant, self._given, verify=verify) / "model.bin"
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

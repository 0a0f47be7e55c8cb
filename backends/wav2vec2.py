"""wav2vec 2.0 (Baevski et al. 2020) through transformers: letters by connectionist temporal classification, greedily.

A clip longer than 30 s is heard in windows of that length that overlap by 2 s either side; the overlap's letters are
left out. The weights are those of ``model``, a folder, or of the hub.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backends.base import Audio, Backend, BackendError, Prediction, Source, Vocabulary
from backends.kit.device import check_device, need_gpu

REPOSITORIES = {
    "base-960h": "facebook/wav2vec2-base-960h",
    "large-960h": "facebook/wav2vec2-large-960h",
    "large-960h-lv60-self": "facebook/wav2vec2-large-960h-lv60-self",
}
"""Variant -> repository on the hub; ``owner/name`` is its own."""
FILES = ("*.json", "*.safetensors")
"""No pickles: what is loaded must not run code."""
WINDOW_S, OVERLAP_S = 30.0, 2.0
LEAST = 400
"""Samples that the convolutions need for one frame."""
PER_SECOND = 50


class Wav2Vec2(Backend):
    """The variant is a size, ``owner/name`` on the hub, or any name if ``model`` gives the folder of the weights."""

    name: ClassVar[str] = "wav2vec2"
    variants: ClassVar[tuple[str, ...]] = ("base-960h",)
    imports: ClassVar[tuple[str, ...]] = ("transformers", "torch")

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        language: str = "en",
        device: str = "cpu",
        model: str | Path | None = None,
    ) -> None:
        """``device``: cpu or cuda. Raises BackendError for an unknown size, or a language that it lacks."""
        super().__init__(vocabulary, variant)
        self._given = None if model is None else Path(model)
        if model is None and variant not in REPOSITORIES and variant.count("/") != 1:
            raise BackendError(f"{self.name}: no size {variant!r}; known: {', '.join(REPOSITORIES)}, or owner/name")
        if model is None and variant in REPOSITORIES and language != "en":
            raise BackendError(f"{self.name}:{variant} does not know language {language!r}; name a model that does")
        self._language = language
        self._device = check_device(self.name, device)
        self._model: Any = None
        self._processor: Any = None

    def prepare(self) -> None:
        if self._folder() is None:
            from huggingface_hub import snapshot_download

            try:
                snapshot_download(self._repository(), allow_patterns=list(FILES), etag_timeout=5.0)
            except Exception as error:  # the hub's client lets errors of its transport through
                raise BackendError(
                    f"no weights of {self.name}:{self.variant} (looked in: {self.sources()[0].where}); give a folder"
                    f" with config.json, vocab.json and model.safetensors as option `model`, or a connection: {error}"
                ) from error

    def load(self) -> None:
        import torch
        from transformers import Wav2Vec2ForCTC, Wav2Vec2Processor

        folder = self._weights()
        if self._device == "cuda":
            need_gpu(self.name, torch.cuda.device_count(), "PyTorch")
        try:
            self._processor = Wav2Vec2Processor.from_pretrained(str(folder), local_files_only=True)
            model = Wav2Vec2ForCTC.from_pretrained(str(folder), local_files_only=True, use_safetensors=True)
        except Exception as error:  # whatever transformers meets in a folder that holds no such model
            raise BackendError(f"{self.name}:{self.variant}: cannot load {folder}: {error}") from error
        self._model = model.eval().to(self._device)

    def predict(self, audio: Audio) -> Prediction:
        import torch

        if len(audio) < LEAST:
            return Prediction(text="", facts={"encoder_tokens": 0.0, "clip_tokens": 0.0})
        kept, computed = [], 0
        with torch.inference_mode():
            for window, before, after in windows(audio, self.sample_rate):
                entry = self._processor(window, sampling_rate=self.sample_rate, return_tensors="pt")
                logits = self._model(entry.input_values.to(self._device)).logits[0].float().cpu()
                computed += len(logits)
                ends = [round(len(logits) * part / len(window)) for part in (before, len(window) - after)]
                kept.append(logits[ends[0] : ends[1]])
            logs = torch.log_softmax(torch.cat(kept), dim=-1)
        best = logs.max(dim=-1)
        text = self._processor.decode(best.indices.tolist())
        return Prediction(
            text=text.strip(),
            facts={
                "encoder_tokens": float(computed),
                "clip_tokens": float(round(PER_SECOND * len(audio) / self.sample_rate)),
                "avg_logprob": float(best.values.mean()),
            },
        )

    def artifacts(self) -> list[Path]:
        folder = self._folder()
        return [] if folder is None else sorted(path for path in folder.iterdir() if path.is_file())

    def sources(self) -> list[Source]:
        folder = self._folder()
        where = str(self._given) if self._given else f"Hugging Face cache ({self._repository()})"
        return [Source(where, tuple(self.artifacts()) if folder else ())]

    def parameters(self) -> int | None:
        return None if self._model is None else sum(tensor.numel() for tensor in self._model.parameters())

    def settings(self) -> dict[str, str | int | float | bool]:
        return {"decoding": "greedy", "window_s": WINDOW_S, "language": self._language, "device": self._device}

    def _repository(self) -> str:
        return REPOSITORIES.get(self.variant, self.variant)

    def _folder(self) -> Path | None:
        """Where the weights are on this machine."""
        if self._given is not None:
            return self._given if (self._given / "config.json").is_file() else None
        try:
            from huggingface_hub import snapshot_download

            return Path(snapshot_download(self._repository(), local_files_only=True))
        except Exception:  # not fetched yet, or no hub's client: prepare says so
            return None

    def _weights(self) -> Path:
        if (folder := self._folder()) is None:
            place = (
                f"at {self._given}: config.json is missing" if self._given else "on this machine: run with a connection"
            )
            raise BackendError(f"no weights of {self.name}:{self.variant} {place}")
        return folder


def windows(audio: Audio, rate: int) -> Iterator[tuple[Audio, int, int]]:
    """Windows of at most ``WINDOW_S``, with the samples before and after that are another window's."""
    whole, overlap = round(WINDOW_S * rate), round(OVERLAP_S * rate)
    step = whole - 2 * overlap
    if len(audio) <= whole:
        yield audio, 0, 0
        return
    for start in range(0, len(audio), step):
        first, last = max(start - overlap, 0), min(start + step + overlap, len(audio))
        if start + step >= len(audio) - LEAST:  # what is left is too short for a window of its own
            yield np.ascontiguousarray(audio[first:]), start - first, 0
            return
        yield np.ascontiguousarray(audio[first:last]), start - first, last - (start + step)

"""Predicting the WER of one transcript: from sound, from the decoder's confidence, or from both.

A model is a file of arrays and JSON (:mod:`backends.kit.arrayfile`), nothing that runs; PyTorch is needed for models
that look at sound alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.base import Audio, BackendError
from backends.kit import arrayfile
from bench.quality.mel import BANDS, Mel, quantised, scaled

KIND = "wer-predictor"
FORMAT = 1
FACTS = ("avg_logprob", "no_speech", "compression_ratio", "tokens_per_second")
"""What every Whisper tells of a transcript: mean log probability of a token, probability that nobody spoke, bytes of
the text to those of its zlib stream, tokens a second."""
TOKEN_FACTS = ("worst_logprob", "low_logprob", "unsure_share", "entropy")
"""What a decoder that shows every token's probabilities tells: the least likely token, the tenth from below, the share
below one half, the mean entropy in nats."""
FRAMES = 300
"""Looked at by a network at 25 a second, 12 s: of longer clips the middle, shorter ones filled with silence."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class WerPredictor:
    """Networks of one kind, by its name in :mod:`bench.quality.networks`; the mean of what they say counts."""

    network: str
    facts: tuple[str, ...]
    means: Floats
    scales: Floats
    members: tuple[dict[str, Floats], ...]

    @property
    def sound(self) -> bool:
        """Whether it needs the recording."""
        return self.network != "facts"

    def predict(self, facts: Mapping[str, float], audio: Audio | None = None) -> float:
        """WER from 0 to 1. ``audio``: 16 kHz, for a predictor that needs sound.

        Raises BackendError for a fact that is missing or not finite, or no sound where it is needed.
        """
        if self.sound and (audio is None or not audio.size or not np.isfinite(audio).all()):
            raise BackendError(f"{KIND}: this model looks at the recording, and there is none that is finite")
        mels = None if audio is None or not self.sound else [quantised(audio)]
        return float(self.predict_many(self.values([facts]), mels)[0])

    def values(self, facts: Sequence[Mapping[str, float]]) -> Floats:
        """Facts by name as rows, standardised. Raises BackendError for one that is missing or not finite."""
        try:
            rows = np.array([[each[name] for name in self.facts] for each in facts], np.float32)
        except KeyError as error:
            raise BackendError(f"{KIND}: the prediction tells no {error.args[0]}") from error
        if not np.isfinite(rows).all():
            raise BackendError(f"{KIND}: facts must be finite numbers")
        standard: Floats = (rows.reshape(len(facts), len(self.facts)) - self.means) / self.scales
        return np.clip(standard, -5, 5)

    def predict_many(self, values: Floats, mels: Sequence[Mel] | None = None) -> Floats:
        """Of standardised rows, and spectrograms where it looks at sound; shape (clips,)."""
        if not self.sound:
            each = [_dense(member, values) for member in self.members]
        else:
            each = [_looked(self.network, member, values, mels or []) for member in self.members]
        mean: Floats = np.mean(each, axis=0)
        return mean

    def save(self, path: Path) -> None:
        """Write the model file. Raises BackendError if it cannot be written."""
        state = {"network": self.network, "facts": list(self.facts), "members": len(self.members)}
        stored: dict[str, Any] = {"means": self.means, "scales": self.scales}
        stored |= {f"{place}/{name}": array for place, each in enumerate(self.members) for name, array in each.items()}
        arrayfile.write(path, {"format": FORMAT, "kind": KIND}, state, stored)


def load(path: Path) -> WerPredictor:
    """A model that was saved. Raises BackendError for a file that is no such model, or one whose parts do not fit."""
    state, stored = arrayfile.read(path)
    try:
        name, facts, count = state["network"], tuple(state["facts"]), int(state["members"])
        means, scales = (np.asarray(stored.pop(each), np.float32) for each in ("means", "scales"))
        members: list[dict[str, Floats]] = [{} for _ in range(count)]
        for key, array in stored.items():
            place, _, inner = key.partition("/")
            members[int(place)][inner] = np.asarray(array, np.float32)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise BackendError(f"{path}: not a {KIND} ({type(error).__name__}: {error})") from error
    known = set(facts) <= {*FACTS, *TOKEN_FACTS}
    if not members or not known or not means.shape == scales.shape == (len(facts),) or not (scales > 0).all():
        raise BackendError(f"{path}: not a {KIND} whose parts fit together")
    predictor = WerPredictor(name, facts, means, scales, tuple(members))
    try:
        mels = [np.zeros((BANDS, 2), np.uint8)] if predictor.sound else None
        predictor.predict_many(np.zeros((1, len(facts)), np.float32), mels)
    except (BackendError, KeyError, ValueError) as error:
        raise BackendError(f"{path}: not a {KIND} whose parts fit together ({error})") from error
    return predictor


def framed(mel: Mel) -> Floats:
    """For a network: two frames made one, FRAMES of them, shape (1, 64, FRAMES)."""
    paired = mel[:, : mel.shape[1] // 2 * 2].reshape(BANDS, -1, 2).mean(axis=2) if mel.shape[1] > 1 else mel
    spare = paired.shape[1] - FRAMES
    middle = paired[:, spare // 2 : spare // 2 + FRAMES] if spare > 0 else np.pad(paired, ((0, 0), (0, -spare)))
    return scaled(middle)[np.newaxis]


def _dense(member: Mapping[str, Floats], values: Floats) -> Floats:
    """The network of facts without PyTorch: a layer, hard swish, a layer, a logistic curve."""
    inner = values @ member["last.0.weight"].T + member["last.0.bias"]
    inner = inner * np.clip(inner + 3, 0, 6) / 6
    logits = inner @ member["last.3.weight"].T + member["last.3.bias"]
    wer: Floats = 1 / (1 + np.exp(-logits[:, 0]))
    return wer


def _looked(name: str, member: dict[str, Floats], values: Floats, mels: Sequence[Mel]) -> Floats:
    import torch

    from bench.quality import networks

    module = networks.network(name, values.shape[1])
    networks.restore(module, member)
    with torch.inference_mode():
        parts = [
            module(torch.from_numpy(framed(mel)[np.newaxis]), torch.from_numpy(values[place : place + 1]))
            for place, mel in enumerate(mels)
        ]
        wer: Floats = torch.cat(parts).numpy()
    return wer

"""Backends for tests of lanes: what is loud is a one."""

from __future__ import annotations

import os
import signal
import time
from typing import ClassVar

import numpy as np

from backends.base import Audio, Backend, Prediction

LOUD = 0.3
"""Peak from which some misbehave."""


class Quick(Backend):
    """Tells how long the clip is, and how loud."""

    name = "quick"
    context_s = 0.1

    def load(self) -> None:
        """Nothing to load."""

    def predict(self, audio: Audio) -> Prediction:
        level = float(np.sqrt(np.mean(audio.astype(np.float64) ** 2)))
        self.mark("features")
        scores = {label: level / (1 + place) for place, label in enumerate(self.labels)}
        return Prediction(self.labels[1] if level > 0.05 else self.labels[0], scores, text=str(len(audio)))


class Slow(Quick):
    """Takes its time over whatever is loud."""

    name = "slow"

    def predict(self, audio: Audio) -> Prediction:
        if np.abs(audio).max() > LOUD:
            time.sleep(0.6)
        return super().predict(audio)


class Hung(Quick):
    """Never comes back from what is loud."""

    name = "hung"

    def predict(self, audio: Audio) -> Prediction:
        while np.abs(audio).max() > LOUD:
            time.sleep(1)
        return super().predict(audio)


class Mortal(Quick):
    """Is killed by what is loud."""

    name = "mortal"

    def predict(self, audio: Audio) -> Prediction:
        if np.abs(audio).max() > LOUD:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().predict(audio)


class Greedy(Quick):
    """Wants more memory than there is for what is loud."""

    name = "greedy"

    def predict(self, audio: Audio) -> Prediction:
        if np.abs(audio).max() > LOUD:
            bytearray(1 << 40)
        return super().predict(audio)


class Picky(Quick):
    """Refuses what is loud."""

    name = "picky"

    def predict(self, audio: Audio) -> Prediction:
        if np.abs(audio).max() > LOUD:
            raise ValueError("too loud")
        return super().predict(audio)


class Broken(Quick):
    """Cannot be loaded."""

    name = "broken"

    def load(self) -> None:
        raise RuntimeError("no weights")


class Scribe(Quick):
    """Transcribes: a word for every tenth of a second, which says how loud it is, and facts about the work."""

    name = "scribe"
    tasks: ClassVar[tuple[str, ...]] = ("transcription",)

    def predict(self, audio: Audio) -> Prediction:
        tenths = [audio[start : start + 1_600] for start in range(0, len(audio), 1_600)]
        words = [f"w{round(1e4 * float(np.abs(tenth).mean()))}" for tenth in tenths]
        return Prediction(text=" ".join(words), facts={"encoder_tokens": float(len(words))})

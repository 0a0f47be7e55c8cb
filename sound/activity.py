"""Is somebody speaking? Hops of 32 ms go in one after another, a number from 0 to 1 comes out for each.

``detectors()`` chooses: silero where its model is installed, else the energy gate. Detectors are made for a stream each
and keep state from hop to hop.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sound import Audio
from sound.level import rms_level

if TYPE_CHECKING:
    import onnxruntime

RATE: Final = 16_000
"""Hz, of all that a detector hears."""
HOP: Final = 512
"""Samples a hop, 32 ms."""
SPEECH: Final = 0.5
"""The score from which a hop counts as speech."""
NAMES: Final = ("auto", "silero", "energy")
"""Detectors that can be asked for; ``auto`` is silero where it is installed."""
CONTEXT = 64
MARGIN_DB, SLOPE_DB = 9.0, 6.0
QUIETEST_DB = -65.0
FLOOR_S, FLOOR_SHARE = 2.0, 0.25
MODEL_PACKAGE, MODEL_FILE = "faster_whisper", "assets/silero_vad_v6.onnx"


class Detector(Protocol):
    """Scores the hops of one stream, in order."""

    name: str

    def score(self, hop: Audio) -> float:
        """How surely the next ``HOP`` samples at ``RATE`` hold speech, from 0 to 1; ``SPEECH`` is as likely as not."""

    def reset(self) -> None:
        """Forget what was heard: another stream begins."""


class Silero:
    """Silero VAD 6 (Silero Team 2025, MIT), a recurrent network over 512 samples and the 64 before them, 2 ms of CPU a
    second."""

    name = "silero"

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        """``session`` holds the model alone, so several detectors may share it."""
        self._session = session
        self._before: Audio
        self._h: NDArray[np.float32]
        self._c: NDArray[np.float32]
        self.reset()

    @staticmethod
    def open(path: Path | None = None) -> onnxruntime.InferenceSession:
        """The model, from the file that faster-whisper ships or another copy, on one thread.

        Raises ModuleNotFoundError if onnxruntime or faster-whisper is not installed, FileNotFoundError without a file.
        """
        model = model_file() if path is None else path
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 4
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def score(self, hop: Audio) -> float:
        window = np.concatenate((self._before, hop))[None]
        scores, self._h, self._c = self._session.run(None, {"input": window, "h": self._h, "c": self._c})
        self._before = hop[-CONTEXT:]
        return float(scores.reshape(-1)[0])

    def reset(self) -> None:
        self._before = np.zeros(CONTEXT, np.float32)
        self._h, self._c = (np.zeros((1, 1, 128), np.float32) for _ in range(2))


class EnergyGate:
    """Speech is what is louder than the room: 9 dB above the floor counts as likely as not.

    The floor is the level that a quarter of the last 2 s lie below, so that noise that sets in is let go again after
    some 1.5 s; hops under -65 dB are never speech.
    """

    name = "energy"

    def __init__(self) -> None:
        self._levels: deque[float]
        self.reset()

    def score(self, hop: Audio) -> float:
        level = max(rms_level(hop), -120.0)
        self._levels.append(level)
        if level < QUIETEST_DB:
            return 0.0
        floor = max(float(np.quantile(self._levels, FLOOR_SHARE)), QUIETEST_DB)
        return 1 / (1 + 10 ** ((MARGIN_DB - (level - floor)) / SLOPE_DB))

    def reset(self) -> None:
        self._levels = deque(maxlen=round(FLOOR_S * RATE / HOP))


def model_file() -> Path:
    """Where faster-whisper, which is not imported, has silero's model.

    Raises ModuleNotFoundError if it is not installed, FileNotFoundError if it has none.
    """
    spec = find_spec(MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "silero's model comes with faster-whisper, which is not installed", name=MODEL_PACKAGE
        )
    path = Path(spec.origin).parent / MODEL_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path}: not there; this faster-whisper has no silero model, version 1.2.1 has")
    return path


def detectors(name: str = "auto") -> Callable[[], Detector]:
    """What makes detectors, one for each stream: ``silero``, ``energy``, or ``auto``, silero where it is installed.

    Raises ValueError for another name, ModuleNotFoundError or FileNotFoundError where ``silero`` is not installed.
    """
    if name not in NAMES:
        raise ValueError(f"no speech detector named {name!r}; auto, silero or energy")
    if name == "energy":
        return EnergyGate
    try:
        session = Silero.open()
    except (ModuleNotFoundError, FileNotFoundError):
        if name == "silero":
            raise
        return EnergyGate
    return lambda: Silero(session)


def activity(audio: Audio, detector: Detector) -> NDArray[np.float64]:
    """The score of every hop of a whole recording at ``RATE``; what is missing of the last hop is silence."""
    padded = np.pad(audio, (0, -len(audio) % HOP))
    return np.array([detector.score(hop) for hop in padded.reshape(-1, HOP)])

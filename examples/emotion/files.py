"""From a file to its row: reading, resampling where it must be, the features by one of three ways."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from examples.emotion.names import NAMES, Floats
from examples.emotion.peaks import HOP, Samples

WAYS = ("plain", "exact", "close")
"""As the project does it; shared, equal to the last bit; shared, with cheaper means."""
HIGHEST_BAND = 6400.0
"""Hz: where the highest band of the spectral contrast begins; librosa refuses files whose band of sound ends below."""
RESAMPLED = 16_000


@dataclass(frozen=True, slots=True)
class Row:
    """What was learnt of one file: its length and rate as read, and its features, or why there are none."""

    path: str
    seconds: float
    rate: int
    features: Floats
    error: str = ""


def row(folder: Path, path: str, way: str) -> Row:
    """Features of one file; whatever is wrong with it becomes its ``error``."""
    try:
        audio, rate = _load(folder / path, way)
        if len(audio) < HOP:
            raise ValueError(f"{len(audio)} samples, at least {HOP} are needed: the pitch is read off the second frame")
        return Row(path, len(audio) / rate, int(rate), _features(*prepared(audio, rate), way))
    except Exception as error:  # a decoder's or librosa's, of whatever kind: the other files go on
        return Row(path, 0.0, 0, np.full(len(NAMES), np.nan), str(error) or type(error).__name__)


def prepared(audio: Samples, rate: float) -> tuple[Samples, float]:
    """The samples, at 16 kHz where spectral contrast would lie above half their rate: at 12.8 kHz and below."""
    if rate > 2 * HIGHEST_BAND:
        return audio, rate
    import librosa

    return librosa.resample(audio, orig_sr=rate, target_sr=RESAMPLED), RESAMPLED


def _load(path: Path, way: str) -> tuple[Samples, float]:
    if way == "plain":
        import librosa

        return librosa.load(path, sr=None)  # type: ignore[no-any-return]
    import audiodecode

    return audiodecode.load(path, sr=None)


def _features(audio: Samples, rate: float, way: str) -> Floats:
    from examples.emotion import close, plain, shared

    match way:
        case "plain":
            return plain.features(audio, rate)
        case "exact":
            return shared.features(audio, rate)
        case "close":
            return shared.features(audio, rate, close.CLOSE)
    raise ValueError(f"no way called {way!r}; there are {', '.join(WAYS)}")

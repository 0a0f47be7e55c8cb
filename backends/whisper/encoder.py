"""Whisper's encoder on a window sized to the clip instead of 30 s: features, window, weights, frames.

Clip at 16 kHz -> trimmed, levelled and placed in a window with a margin of silence either side -> 80 (large-v3: 128)
log-mel bands every 10 ms -> CTranslate2's encoder, a frame every 20 ms. Sinusoidal positions are cut to the window, so
a shortened Whisper is another machine than the stock one. Features: Radford et al. 2022, Robust Speech Recognition via
Large-Scale Weak Supervision, section 2.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.base import Audio, BackendError

SAMPLE_RATE = 16_000
FFT, HOP = 400, 160
"""Samples."""
LIMIT = 30 * SAMPLE_RATE
"""Samples that Whisper has positions for; more are not heard."""

Array = NDArray[np.float32]


class LogMel:
    """Whisper's features; window and filterbank are made once, every call is a pure function of its argument."""

    def __init__(self, bands: int = 80, highest_hz: float = SAMPLE_RATE / 2) -> None:
        """Bands that reach above ``highest_hz`` stay at the floor, as if the recording ended there."""
        from scipy.sparse import csr_array

        self._window = np.hanning(FFT + 1)[:-1].astype(np.float32)
        # hardly any weight is not zero, and a sparse product, unlike BLAS, starts no threads that fight the encoder's
        self._filters = csr_array(_filterbank(bands, highest_hz).T)

    def __call__(self, audio: Array) -> Array:
        """Log-mel of one or more clips of one length: (..., samples) -> (..., bands, samples // 160).

        Floored at 8 decades below the loudest band of the same clip. Silence is never the loudest, so a short window
        has the values that its part of Whisper's 30 s window has.
        """
        from scipy.fft import rfft

        room = FFT // 2
        silence = np.zeros((*audio.shape[:-1], room), np.float32)  # the rest of the 30 s that Whisper pads to
        padded = np.concatenate([audio[..., room:0:-1], audio, silence], axis=-1)
        frames = np.lib.stride_tricks.sliding_window_view(padded, FFT, axis=-1)[..., ::HOP, :]
        frames = frames[..., : audio.shape[-1] // HOP, :]
        spectrum = rfft(frames * self._window, axis=-1)
        power = spectrum.real**2 + spectrum.imag**2
        bands: Array = (self._filters @ power.reshape(-1, power.shape[-1]).T).T.reshape(*power.shape[:-1], -1)
        logs = np.log10(np.maximum(bands, np.float32(1e-10)))
        floored = np.maximum(logs, logs.max(axis=(-2, -1), keepdims=True) - np.float32(8))
        return np.ascontiguousarray(np.swapaxes((floored + np.float32(4)) / np.float32(4), -2, -1))


@dataclass(frozen=True, slots=True)
class Window:
    """How a clip is placed before the encoder hears it. Times in seconds."""

    margin: float = 0.5
    """Silence kept free on each side, at least."""
    grid: float = 0.25
    """Lengths are rounded up to whole steps of it, so that like clips share a batch; a multiple of 0.02."""
    least: float = 0.0
    """Shortest window."""

    def samples(self, clip: int) -> int:
        """Length of the window for a clip of that many samples, a whole number of encoder frames, at most 30 s."""
        step = max(2 * HOP, round(self.grid * SAMPLE_RATE / (2 * HOP)) * 2 * HOP)
        wanted = max(clip + 2 * round(self.margin * SAMPLE_RATE), round(self.least * SAMPLE_RATE), 1)
        return min(-(-wanted // step) * step, LIMIT)

    def place(self, audio: Audio, offset: float = 0.0) -> Array:
        """The clip in the middle of its window of silence, or ``offset`` seconds later, of an over-long one the start.

        Raises BackendError if the clip is empty or not finite.
        """
        check(audio)
        total = self.samples(audio.size)
        heard = audio[:total]
        spare = total - heard.size
        start = int(np.clip(spare // 2 + round(offset * SAMPLE_RATE), 0, spare))
        window = np.zeros(total, np.float32)
        window[start : start + heard.size] = heard
        return window


def check(audio: Audio) -> None:
    """Raises BackendError if the clip is empty or not finite."""
    if not audio.size or not np.isfinite(audio).all():
        raise BackendError("the clip has no samples" if not audio.size else "the clip has samples that are not finite")


def trim(audio: Audio, floor_db: float = 35.0, keep: float = 0.05) -> Audio:
    """The clip without leading and trailing parts more than ``floor_db`` below its loudest 25 ms.

    ``keep`` seconds stay on each side. A clip shorter than 25 ms, or silent throughout, stays as it is.
    """
    if audio.size < FFT:
        return audio
    blocks = audio[: audio.size // HOP * HOP].reshape(-1, HOP) - audio.mean(dtype=np.float64)
    energy = np.convolve((blocks**2).sum(axis=1), np.ones(3), "same")
    loud = np.flatnonzero(energy > energy.max() * 10 ** (-floor_db / 10))
    if not loud.size:
        return audio
    room = round(keep * SAMPLE_RATE)
    return audio[max(0, loud[0] * HOP - room) : (loud[-1] + 1) * HOP + room]


def level(audio: Audio, peak: float = 0.5) -> Audio:
    """The clip at that peak; silence stays silence."""
    loudest = float(np.abs(audio).max(initial=0.0))
    return audio * np.float32(peak / loudest) if loudest > 0 else audio


def alike(windows: Sequence[Array], most: int = 32) -> list[list[int]]:
    """Rows of windows of one length, at most ``most`` together: the batches in which to encode them."""
    rows: dict[int, list[int]] = {}
    for row, window in enumerate(windows):
        rows.setdefault(window.size, []).append(row)
    return [same[start : start + most] for same in rows.values() for start in range(0, len(same), most)]


def load(folder: Path, compute_type: str = "int8", threads: int = 0) -> Any:
    """A ``ctranslate2.models.Whisper`` from weights that :mod:`backends.whisper.weights` found, on the threads allowed,
    or on so many.

    Raises BackendError if CTranslate2 cannot read them or does not know the number format.
    """
    from ctranslate2.models import Whisper

    try:
        return Whisper(str(folder), device="cpu", compute_type=compute_type, intra_threads=threads)
    except (ValueError, RuntimeError) as error:
        raise BackendError(f"cannot load Whisper from {folder}: {error}") from error


def encode(model: Any, features: Array) -> Any:
    """Encoder states of features (clips, bands, frames) as CTranslate2's StorageView, which ``generate`` takes."""
    from ctranslate2 import StorageView

    return model.encode(StorageView.from_array(np.ascontiguousarray(features)), to_cpu=True)


def frames(states: Any) -> Array:
    """Encoder states as an array (clips, frames / 2, width), float32 whatever they were computed in."""
    from ctranslate2 import DataType

    array: Array = np.array(states if states.dtype == DataType.float32 else states.to(DataType.float32))
    return array


def start_tokens(tokenizer: Any, multilingual: bool, language: str = "en") -> list[str]:
    """Tokens that ask Whisper to transcribe without timestamps; an English-only model is told no language.

    ``tokenizer``: a ``tokenizers.Tokenizer`` of the weights. Raises BackendError for a language the model has not.
    """
    if not multilingual:
        if language != "en":
            raise BackendError(f"an English-only Whisper does not know language {language!r}")
        return ["<|startoftranscript|>", "<|notimestamps|>"]
    if tokenizer.token_to_id(f"<|{language}|>") is None:
        raise BackendError(f"this Whisper does not know language {language!r}")
    return ["<|startoftranscript|>", f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]


def _filterbank(bands: int, highest_hz: float) -> Array:
    """Slaney's mel filters of equal area, shape (201, bands), empty where they reach above ``highest_hz``."""
    top = 45.245640471924965  # mel of 8 kHz
    mels = np.linspace(0.0, top, bands + 2)
    hertz = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (mels - 15)))
    bins = np.fft.rfftfreq(FFT, 1 / SAMPLE_RATE)[:, np.newaxis]
    rising = (bins - hertz[:-2]) / (hertz[1:-1] - hertz[:-2])
    falling = (hertz[2:] - bins) / (hertz[2:] - hertz[1:-1])
    filters = np.maximum(0, np.minimum(rising, falling)) * 2 / (hertz[2:] - hertz[:-2])
    kept: Array = (filters * (hertz[2:] < highest_hz + 1)).astype(np.float32)  # the top mel is 8 kHz but for rounding
    return kept

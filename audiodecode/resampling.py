"""librosa's resampling without librosa: the same library, the same length, the same bits."""

from __future__ import annotations

import math
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SAMPLERATE = ("linear", "zero_order_hold", "sinc_best", "sinc_medium", "sinc_fastest")


def resample(audio: NDArray[Any], rate: float, target: float, method: str) -> NDArray[Any]:
    """As ``librosa.resample``: shape (samples,) or (channels, samples) in, ceil(samples * target / rate) of them out.

    soxr's methods are those of the soxr library; "fft", "scipy" and "polyphase" need SciPy, librosa's others
    samplerate or resampy. Raises ValueError for rates that cannot be, ImportError where a library is missing.
    """
    if rate == target:
        return audio
    if not (math.isfinite(target) and target > 0):
        raise ValueError(f"sr must be a positive number, not {target!r}")
    ratio = float(target) / rate
    length = int(np.ceil(audio.shape[-1] * ratio))
    if audio.ndim == 1:
        return _fitted(_resampled(audio, rate, target, method), length, audio.dtype)
    channels = [_fitted(_resampled(channel, rate, target, method), length, audio.dtype) for channel in audio]
    return np.stack(channels)


def _resampled(audio: NDArray[Any], rate: float, target: float, method: str) -> NDArray[Any]:
    if method.startswith("soxr"):
        import soxr

        return np.asarray(soxr.resample(audio, rate, target, quality=method))
    if method in ("fft", "scipy"):
        return np.asarray(_library("scipy.signal", method).resample(audio, int(np.ceil(len(audio) * target / rate))))
    if method == "polyphase":
        if int(rate) != rate or int(target) != target:
            raise ValueError(f"polyphase resampling wants whole numbers of Hz, not {rate!r} to {target!r}")
        common = math.gcd(int(rate), int(target))
        signal = _library("scipy.signal", method)
        return np.asarray(signal.resample_poly(audio, int(target) // common, int(rate) // common))
    if method in _SAMPLERATE:
        library = _library("samplerate", method)
        return np.asarray(library.resample(audio, ratio=float(target) / rate, converter_type=method))
    return np.asarray(_library("resampy", method).resample(audio, rate, target, filter=method))


def _library(name: str, method: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        package = name.partition(".")[0]
        raise ImportError(f"res_type={method!r} needs {package}: pip install {package}; or use 'soxr_hq'") from None


def _fitted(audio: NDArray[Any], length: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Cut or filled up with zeros to that length."""
    if len(audio) < length:
        audio = np.concatenate([audio, np.zeros(length - len(audio), audio.dtype)])
    return np.asarray(audio[:length], dtype=dtype)

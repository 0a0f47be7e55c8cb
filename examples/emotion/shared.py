"""The same 312 features from one spectrogram, one mel spectrogram and one set of MFCC.

What librosa computes anew for each call is computed once: STFT, powers, peaks; filter banks are kept between files.
Arrays keep librosa's layout where they are summed, so that sums round alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import librosa
import librosa.filters as banks
import numpy as np
from numpy.typing import NDArray

from examples.emotion.names import Floats
from examples.emotion.peaks import N_FFT, Samples, crossings, peaks_of

MFCC = 50
LEAST_POWER = 1e-10


@dataclass(frozen=True, slots=True)
class Means:
    """The three costly steps that can be had exactly as librosa's or more cheaply."""

    magnitudes: Callable[[Samples], Samples]
    """Of the STFT, shape (bins, frames), one frame after another in memory."""
    centroid: Callable[[Samples, float], NDArray[Any]]
    """Of magnitudes and rate: Hz by frame."""
    contrast: Callable[[Samples, float], NDArray[Any]]
    """Of magnitudes and rate: dB, shape (7, frames)."""


EXACT = Means(
    magnitudes=lambda audio: np.abs(librosa.stft(audio)),
    centroid=lambda stft, rate: librosa.feature.spectral_centroid(S=stft, sr=rate),
    contrast=lambda stft, rate: librosa.feature.spectral_contrast(S=stft, sr=rate),
)
"""librosa's own: the features are equal to the last bit."""


def features(audio: Samples, rate: float, means: Means = EXACT) -> Floats:
    """The 312 features of one file, with ``EXACT`` each equal to that of :func:`examples.emotion.plain.features`."""
    stft = means.magnitudes(audio)
    power = stft**2
    peaks = peaks_of(stft.T, rate)
    voiced = peaks.within(70, 400)
    pitch = voiced.row(stft.shape[1])
    mel = np.einsum("ft,mf->mt", power, mel_filters(rate), optimize=True)
    mfcc = librosa.feature.mfcc(S=librosa.power_to_db(mel), sr=rate, n_mfcc=MFCC).T
    chroma = np.einsum("cf,ft->ct", chroma_filters(rate, peaks.within(150, 4000).tuning()), stft, optimize=True)
    chroma = librosa.util.normalize(chroma, norm=np.inf, axis=-2)
    centroid = means.centroid(stft, rate)
    centroid = centroid / np.sum(centroid)
    contrast = means.contrast(stft, rate)
    rms = librosa.feature.rms(S=stft)[0]
    floor = np.maximum(LEAST_POWER, power)
    flatness = np.exp(np.mean(np.log(floor), axis=-2)) / np.mean(floor, axis=-2)
    single = [
        np.mean(flatness), np.mean(crossings(audio)), np.mean(stft), np.max(stft), np.mean(centroid), np.std(centroid),
        np.max(centroid), np.std(stft), np.mean(pitch), np.max(pitch), np.std(pitch),
        librosa.pitch_tuning(voiced.hertz), np.mean(rms), np.max(rms), np.std(rms),
    ]  # fmt: skip
    several = [np.mean(mfcc, axis=0), np.std(mfcc, axis=0), np.max(mfcc, axis=0)]
    several += [np.mean(each.T, axis=0) for each in (chroma, mel, contrast)]
    return np.concatenate((np.array(single), *several))


@lru_cache(maxsize=8)
def mel_filters(rate: float) -> NDArray[np.float32]:
    """128 mel filters, shape (mels, bins)."""
    return np.asarray(banks.mel(sr=rate, n_fft=N_FFT))


@lru_cache(maxsize=512)
def chroma_filters(rate: float, tuning: float) -> NDArray[np.float32]:
    """12 chroma filters, shape (classes, bins); a tuning is one of a hundred."""
    return np.asarray(banks.chroma(sr=rate, n_fft=N_FFT, tuning=tuning))

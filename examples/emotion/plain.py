"""The features as the project computes them: one librosa call after another, each with a spectrogram of its own.

github.com/Renovamen/Speech-Emotion-Recognition, its librosa features, restated.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

from examples.emotion.names import Floats


def longest(paths: Sequence[Path]) -> float:
    """Seconds of the longest file, each decoded and resampled to 22,050 Hz to learn it. No feature depends on it."""
    seconds = 0.0
    for path in paths:
        try:
            audio, rate = librosa.load(path)
        except Exception:  # said when its features are to be computed
            continue
        seconds = max(seconds, len(audio) / rate)
    return seconds


def features(audio: NDArray[np.float32], rate: float) -> Floats:
    """The 312 features of one file."""
    stft = np.abs(librosa.stft(audio))
    pitches, magnitudes = librosa.piptrack(y=audio, sr=rate, S=stft, fmin=70, fmax=400)
    pitch = []
    for frame in range(magnitudes.shape[1]):
        index = magnitudes[:, 1].argmax()  # of frame 1 for every frame, as there
        pitch.append(pitches[index, frame])
    tuning = librosa.pitch_tuning(pitches)
    centroid = librosa.feature.spectral_centroid(y=audio, sr=rate)
    centroid = centroid / np.sum(centroid)
    flatness = np.mean(librosa.feature.spectral_flatness(y=audio))
    mfcc_mean = np.mean(librosa.feature.mfcc(y=audio, sr=rate, n_mfcc=50).T, axis=0)
    mfcc_std = np.std(librosa.feature.mfcc(y=audio, sr=rate, n_mfcc=50).T, axis=0)
    mfcc_max = np.max(librosa.feature.mfcc(y=audio, sr=rate, n_mfcc=50).T, axis=0)
    chroma = np.mean(librosa.feature.chroma_stft(S=stft, sr=rate).T, axis=0)
    mel = np.mean(librosa.feature.melspectrogram(y=audio, sr=rate).T, axis=0)
    contrast = np.mean(librosa.feature.spectral_contrast(S=stft, sr=rate).T, axis=0)
    crossings = np.mean(librosa.feature.zero_crossing_rate(audio))
    magnitude, _ = librosa.magphase(stft)
    rms = librosa.feature.rms(S=magnitude)[0]
    single = [
        flatness, crossings, np.mean(magnitude), np.max(magnitude), np.mean(centroid), np.std(centroid),
        np.max(centroid), np.std(magnitude), np.mean(pitch), np.max(pitch), np.std(pitch), tuning,
        np.mean(rms), np.max(rms), np.std(rms),
    ]  # fmt: skip
    return np.concatenate((np.array(single), mfcc_mean, mfcc_std, mfcc_max, chroma, mel, contrast))

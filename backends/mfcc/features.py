"""MFCC statistics of one clip, the usual front end of a small-vocabulary recogniser.

Waveform, 8 kHz -> power spectrum of 25 ms Hann windows every 10 ms (256-point FFT, centred) -> 40 mel bands (Slaney)
-> dB, at most 80 below the clip's loudest -> DCT-II, coefficients 1-12 (c0, the level, is dropped) -> with deltas and
delta-deltas over 9 frames, 36 streams -> CMVN -> mean, standard deviation, minimum and maximum over time, 144 values.

Equals ``librosa.feature.mfcc`` and ``librosa.feature.delta``, with filterbank and delta kernels made once. MFCC: Davis
and Mermelstein 1980. Deltas: Furui 1986.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backends.base import Audio, BackendError

SAMPLE_RATE = 8_000
WINDOW, HOP, FFT = 200, 80, 256
"""Samples."""
MEL_BANDS, COEFFICIENTS, DELTA_FRAMES = 40, 13, 9
STREAMS = 3 * (COEFFICIENTS - 1)
SCALARS = ("duration_s", "level_mean_db", "level_std_db")

FRONT_END = {
    "sample_rate": SAMPLE_RATE,
    "window": WINDOW,
    "hop": HOP,
    "fft": FFT,
    "mel_bands": MEL_BANDS,
    "coefficients": COEFFICIENTS,
    "delta_frames": DELTA_FRAMES,
}
"""What a model file must have been trained with."""

Array = NDArray[np.float32]


class FrontEnd:
    """Filterbank and kernels, made once; every method is a pure function of its arguments."""

    def __init__(self) -> None:
        from librosa.filters import get_window, mel
        from scipy.signal import savgol_coeffs

        self._window = get_window("hann", WINDOW)
        self._mel = mel(sr=SAMPLE_RATE, n_fft=FFT, n_mels=MEL_BANDS)
        self._deltas = [savgol_coeffs(DELTA_FRAMES, order, deriv=order).astype(np.float32) for order in (1, 2)]

    def frames(self, audio: Audio) -> Array:
        """MFCC, deltas and delta-deltas, shape (frames, 36), one frame every 10 ms.

        A clip shorter than one FFT is padded with silence; past its ends the deltas see the first and last frame
        again. Raises BackendError if the clip is empty or not finite.
        """
        import librosa
        from scipy.fft import dct
        from scipy.ndimage import convolve1d

        if not audio.size or not np.isfinite(audio).all():
            raise BackendError(
                "the clip has no samples" if not audio.size else "the clip has samples that are not finite"
            )
        padded = np.pad(audio, (0, max(0, FFT - audio.size)))
        spectrum = librosa.stft(padded, n_fft=FFT, hop_length=HOP, win_length=WINDOW, window=self._window)
        bands = librosa.power_to_db(self._mel @ (spectrum.real**2 + spectrum.imag**2))
        static = dct(bands, axis=0, norm="ortho")[1:COEFFICIENTS]
        deltas = [convolve1d(static, kernel, axis=1, mode="nearest") for kernel in self._deltas]
        return np.ascontiguousarray(np.concatenate([static, *deltas]).T, dtype=np.float32)


def cmvn(frames: list[Array]) -> NDArray[np.float64]:
    """Mean and standard deviation of every stream over all frames of the training clips, shape (2, 36).

    Cepstral mean and variance normalisation; a stream that never varies gets deviation 1.
    """
    everything = np.concatenate(frames).astype(np.float64)
    deviation = everything.std(axis=0)
    return np.stack([everything.mean(axis=0), np.where(deviation > 0, deviation, 1)])


def pool(frames: Array, statistics: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean, standard deviation, minimum and maximum over time of the normalised streams, shape (144,)."""
    normal = (frames - statistics[0]) / statistics[1]
    return np.concatenate([normal.mean(axis=0), normal.std(axis=0), normal.min(axis=0), normal.max(axis=0)])


def scalars(audio: Audio) -> NDArray[np.float64]:
    """Duration in seconds; mean and standard deviation over 10 ms blocks of the level in dB full scale. Shape (3,)."""
    blocks = np.pad(audio.astype(np.float64), (0, -audio.size % HOP)).reshape(-1, HOP)
    level = 10 * np.log10(np.maximum((blocks**2).mean(axis=1), 1e-10))
    return np.array([audio.size / SAMPLE_RATE, level.mean(), level.std()])

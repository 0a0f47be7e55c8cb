from __future__ import annotations

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from backends.base import Audio, BackendError
from backends.mfcc.features import FFT, HOP, SAMPLE_RATE, WINDOW, FrontEnd, cmvn, pool, scalars

FRONT_END = FrontEnd()


def noise(samples: int, seed: int = 0) -> Audio:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


@pytest.mark.parametrize("samples", [FFT, 700, 3_500, 18_240])
def test_frames_are_what_librosa_computes(samples: int) -> None:
    audio = noise(samples) * np.linspace(0, 1, samples, dtype=np.float32)
    mfcc = librosa.feature.mfcc(
        y=audio, sr=SAMPLE_RATE, n_mfcc=13, n_fft=FFT, win_length=WINDOW, hop_length=HOP, n_mels=40
    )[1:]
    deltas = [librosa.feature.delta(mfcc, width=9, order=order, mode="nearest") for order in (1, 2)]
    np.testing.assert_allclose(FRONT_END.frames(audio), np.concatenate([mfcc, *deltas]).T, atol=1e-4)


def test_window_and_hop_are_25_and_10_ms() -> None:
    assert (WINDOW / SAMPLE_RATE, HOP / SAMPLE_RATE) == (0.025, 0.010)


def test_delta_is_the_slope_over_nine_frames() -> None:
    frames = FRONT_END.frames(noise(4_000))
    slope = linregress(np.arange(9), frames[10:19, 0]).slope
    assert frames[14, 12] == pytest.approx(slope, abs=1e-3)


@pytest.mark.parametrize("samples", [1, 2, HOP, WINDOW, FFT - 1, FFT, 600])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_short_or_silent_clips_give_finite_features(samples: int, level: float) -> None:
    audio = np.full(samples, level, dtype=np.float32)
    frames = FRONT_END.frames(audio)
    assert frames.shape[1] == 36
    assert np.isfinite(pool(frames, cmvn([frames]))).all()
    assert np.isfinite(scalars(audio)).all()


@pytest.mark.filterwarnings("error")
def test_a_single_sample_warns_of_nothing() -> None:
    FRONT_END.frames(np.ones(1, dtype=np.float32))


@pytest.mark.parametrize("audio", [[], [0.1, np.nan], [np.inf, 0.0]])
def test_empty_or_not_finite_audio_is_an_error(audio: list[float]) -> None:
    with pytest.raises(BackendError, match="clip has"):
        FRONT_END.frames(np.array(audio, dtype=np.float32))


def test_cmvn_is_over_frames_not_clips() -> None:
    frames = [FRONT_END.frames(noise(samples, seed)) for seed, samples in enumerate((400, 9_000))]
    everything = np.concatenate(frames).astype(np.float64)
    np.testing.assert_allclose(cmvn(frames), [everything.mean(axis=0), everything.std(axis=0)])
    assert not np.allclose(cmvn(frames)[0], np.mean([f.mean(axis=0) for f in frames], axis=0), rtol=1e-3)


def test_pooling_is_mean_std_min_max_of_normalised_frames() -> None:
    frames = FRONT_END.frames(noise(3_000))
    statistics = np.stack([np.full(36, 2.0), np.full(36, 4.0)])
    normal = (frames - 2.0) / 4.0
    expected = np.concatenate([normal.mean(0), normal.std(0), normal.min(0), normal.max(0)])
    assert expected.shape == (144,)
    np.testing.assert_allclose(pool(frames, statistics), expected, atol=1e-5)


def test_waveform_is_not_normalised_yet_level_only_moves_c0() -> None:
    audio = noise(3_000)
    half = audio * np.float32(0.5)
    np.testing.assert_allclose(FRONT_END.frames(audio), FRONT_END.frames(half), atol=2e-3)
    assert scalars(audio)[1] - scalars(half)[1] == pytest.approx(20 * np.log10(2), abs=1e-3)


@given(st.integers(1, 5_000), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_one_frame_every_10_ms_and_duration_in_seconds(samples: int, seed: int) -> None:
    audio = noise(samples, seed)
    assert len(FRONT_END.frames(audio)) == 1 + max(samples, FFT) // HOP
    assert scalars(audio)[0] == samples / SAMPLE_RATE

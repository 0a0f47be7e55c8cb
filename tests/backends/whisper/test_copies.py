from __future__ import annotations

import numpy as np
import pytest

from backends.base import Audio
from backends.whisper import copies as probe_augment
from backends.whisper.copies import other_recording
from tests.conftest import tone

RATE = 16_000


def copies(audio: Audio, count: int = 12) -> list[Audio]:
    return [other_recording(audio, RATE, np.random.default_rng(seed)) for seed in range(count)]


def test_the_generator_decides() -> None:
    audio = tone(500, rate=RATE)
    one, same, other = (other_recording(audio, RATE, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert (one == same).all()
    assert one.size != other.size


def test_the_clip_itself_is_left_alone() -> None:
    audio = tone(500, rate=RATE)
    copies(audio)
    assert (audio == tone(500, rate=RATE)).all()


def test_voices_are_deeper_and_higher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe_augment, "SNR_DB", (60.0, 60.0))
    hertz = [np.abs(np.fft.rfft(copy, 8 * RATE)).argmax() / 8 for copy in copies(tone(500, rate=RATE), 20)]
    assert 500 * 0.84 < min(hertz) < 470
    assert 600 < max(hertz) < 500 * 1.31


def test_noise_is_measured_against_the_word_not_the_silence_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = tone(500, rate=RATE)
    monkeypatch.setattr(probe_augment, "SNR_DB", (300.0, 300.0))
    clean = copies(audio)
    monkeypatch.setattr(probe_augment, "SNR_DB", (10.0, 10.0))
    assert max(copy.size for copy in clean) > 1.5 * audio.size
    for copy, without in zip(copies(audio), clean, strict=True):
        noise = float(np.mean((copy - without) ** 2))
        assert noise == pytest.approx(float(np.mean(audio**2)) / 10, rel=0.05)


@pytest.mark.parametrize("samples", [1, 2, 399])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_tiny_or_silent_clips_make_finite_copies(samples: int, level: float) -> None:
    for copy in copies(np.full(samples, level, np.float32)):
        assert copy.size
        assert copy.dtype == np.float32
        assert np.isfinite(copy).all()

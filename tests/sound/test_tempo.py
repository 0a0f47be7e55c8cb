from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audio import Audio, read
from sound.tempo import change_pitch, change_speed

RATE = 8_000


def pitch(audio: Audio, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 18))
    return float(np.argmax(spectrum)) * rate / (1 << 18)


def pulses(rate: int) -> Audio:
    """Bursts of 440 Hz at 0.3, 0.8 and 1.3 s of 1.7 s."""
    time = np.arange(round(1.7 * rate)) / rate
    shape = sum(np.exp(-(((time - at) / 0.04) ** 2)) for at in (0.3, 0.8, 1.3))
    return (0.5 * shape * np.sin(2 * np.pi * 440 * time)).astype(np.float32)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("factor", [0.5, 0.8, 1.0, 1.25, 2.0])
def test_speed_moves_every_moment_and_keeps_the_pitch(rate: int, factor: float) -> None:
    changed = change_speed(pulses(rate), rate, factor)
    assert len(changed) == round(len(pulses(rate)) / factor)
    assert pitch(changed, rate) == pytest.approx(440, rel=0.02)
    for at in (0.3, 0.8, 1.3):
        start, end = (round((at + side) / factor * rate) for side in (-0.2, 0.2))
        power = changed[start:end].astype(np.float64) ** 2
        centre = (start + np.average(np.arange(len(power)), weights=power)) / rate
        assert centre == pytest.approx(at / factor, abs=0.015)


@pytest.mark.parametrize("semitones", [-12, -3, 0, 3, 12])
def test_pitch_moves_by_semitones_and_keeps_length_and_moments(semitones: int) -> None:
    audio = pulses(16_000)
    changed = change_pitch(audio, 16_000, semitones)
    assert changed.shape == audio.shape
    assert pitch(changed, 16_000) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.02)
    loud = np.flatnonzero(np.abs(changed) > 0.1) / 16_000
    assert (loud.min(), loud.max()) == (pytest.approx(0.25, abs=0.03), pytest.approx(1.35, abs=0.03))


@given(st.integers(1, 2_000), st.floats(0.5, 2), st.sampled_from([4_000, 8_000, 11_025, 48_000]))
def test_lengths_of_short_clips(samples: int, factor: float, rate: int) -> None:
    audio = np.full(samples, 0.5, np.float32)
    assert len(change_speed(audio, rate, factor)) == max(1, round(samples / factor))
    assert len(change_pitch(audio, rate, 12 * np.log2(factor))) == samples


def test_unchanged_speed_is_the_clip() -> None:
    audio = pulses(RATE)
    np.testing.assert_allclose(change_speed(audio, RATE, 1), audio, atol=1e-6)


def test_real_words_keep_their_level(data: Path) -> None:
    for path in sorted((data / "fsdd" / "recordings").glob("*_1.wav"))[::6]:
        audio, rate = read(path)
        for changed in (change_speed(audio, rate, 0.8), change_speed(audio, rate, 1.25), change_pitch(audio, rate, 3)):
            assert np.std(changed) == pytest.approx(np.std(audio), rel=0.15)

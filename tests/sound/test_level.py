from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audio import Audio, read
from sound.level import active_level, limited, rms_level
from tests.conftest import tone


def p56_table(audio: Audio, rate: int) -> float:
    """Method B sample by sample, with the two departures: 0.5 dB between thresholds, no hangover at the end."""
    smooth = np.exp(-1 / (rate * 0.03))
    hangover = round(0.2 * rate)
    thresholds = 10.0 ** np.arange(-4.5, 0, 0.025)
    counts, waited = np.zeros(len(thresholds)), np.full(len(thresholds), hangover)
    p = q = energy = 0.0
    for sample in audio.astype(float):
        energy += sample**2
        p = smooth * p + (1 - smooth) * abs(sample)
        q = smooth * q + (1 - smooth) * p
        above = q >= thresholds
        counts += above | (waited < hangover)
        waited = np.where(above, 0, waited + 1)
    counts = np.maximum(0, counts - np.minimum(waited, hangover))
    with np.errstate(divide="ignore"):
        levels, steps = 10 * np.log10(energy / counts), 20 * np.log10(thresholds)
    first = int(np.argmax(levels - steps <= 15.9))
    between = levels[first - 1 : first + 1] - steps[first - 1 : first + 1]
    return float(np.interp(15.9, between[::-1], levels[first - 1 : first + 1][::-1]))


def test_sentences_agree_with_the_standard_s_counting(data: Path) -> None:
    for path in sorted(data.glob("librispeech/test-*/**/*.flac"))[:40:10]:
        audio, rate = read(path)
        audio = audio[: 5 * rate]
        assert active_level(audio, rate) == pytest.approx(p56_table(audio, rate), abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100])
def test_a_steady_tone_is_as_loud_as_its_rms(rate: int) -> None:
    audio = tone(440, seconds=4, rate=rate)
    assert active_level(audio, rate) == pytest.approx(rms_level(audio), abs=0.1)


def test_pauses_do_not_count_but_gaps_do() -> None:
    burst = tone(440, seconds=1)
    pause, gap = np.zeros(8_000, np.float32), np.zeros(800, np.float32)
    loud = rms_level(burst)
    # The envelope takes about 0.1 s to fall by 15.9 dB and the hangover is 0.2 s: of each 2 s, 1.3 are active.
    assert active_level(np.tile(np.concatenate([burst, pause]), 5), 8_000) == pytest.approx(loud - 1.0, abs=0.15)
    assert active_level(np.tile(np.concatenate([burst, gap]), 5), 8_000) == pytest.approx(loud - 0.41, abs=0.1)


def test_silence_around_a_word_does_not_count(data: Path) -> None:
    for path in sorted((data / "fsdd" / "recordings").glob("*_0.wav")):
        audio, rate = read(path)
        padded = np.pad(audio, rate)
        assert rms_level(padded) < rms_level(audio) - 2
        assert active_level(padded, rate) == pytest.approx(active_level(audio, rate), abs=1.6)


@given(st.floats(-80, 20), st.integers(1, 3_000), st.integers(0, 99))
def test_gain_shifts_the_level_exactly(decibels: float, samples: int, seed: int) -> None:
    audio = np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)
    louder = (audio * 10 ** (decibels / 20)).astype(np.float32)
    assert active_level(louder, 8_000) == pytest.approx(active_level(audio, 8_000) + decibels, abs=0.01)


@pytest.mark.parametrize("samples", [0, 1, 100])
def test_silence_has_no_level(samples: int) -> None:
    silent = np.zeros(samples, np.float32)
    assert active_level(silent, 8_000) == -np.inf
    if samples:
        assert rms_level(silent) == -np.inf


def test_one_sample_is_active() -> None:
    assert active_level(np.full(1, 0.1, np.float32), 8_000) == pytest.approx(-20, abs=1e-4)


def test_limited_scales_down_only_what_would_clip() -> None:
    quiet = tone(440)
    np.testing.assert_array_equal(limited(quiet), quiet)
    np.testing.assert_allclose(limited(quiet * 10), quiet / np.abs(quiet).max(), rtol=1e-5)

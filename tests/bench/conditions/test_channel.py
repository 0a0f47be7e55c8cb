from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audio import Audio, read
from bench.conditions import apply, parse
from bench.conditions.channel import telephone
from sound.level import rms_level
from tests.conftest import tone

RATE = 8_000


def changed(spec: str, audio: Audio, rate: int = RATE, clip: str = "a", seed: int = 0) -> Audio:
    return apply(parse(spec), audio, rate, clip=clip, seed=seed)[0]


def sine(hertz: float, rate: int, seconds: float = 0.5) -> Audio:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def shift(audio: Audio, other: Audio) -> int:
    """By how many samples ``audio`` comes later than ``other``."""
    return int(np.argmax(np.correlate(audio, other, "full"))) - (len(other) - 1)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_telephone_passes_its_band_alone(rate: int) -> None:
    click = np.zeros(rate, np.float32)
    click[rate // 2] = 1
    passed = telephone(click, rate)
    assert int(np.argmax(np.abs(passed))) == rate // 2
    with np.errstate(divide="ignore"):
        response = 20 * np.log10(np.abs(np.fft.rfft(passed)))  # a bin is 1 Hz
    assert np.abs(response[405:3_295]).max() < 0.1
    assert response[[300, 3_400]] == pytest.approx(-6, abs=0.3)
    assert response[:195].max() < -55
    assert response[3_505 : rate // 2].max() < -55


@pytest.mark.parametrize("rate", [4_000, 6_900, 7_000])
def test_a_telephone_at_low_rates(rate: int) -> None:
    audio = sine(1_000, rate)
    assert rms_level(telephone(audio, rate)) == pytest.approx(rms_level(audio), abs=0.3)


def test_mulaw_is_g711() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop")
    audio = np.random.default_rng(0).uniform(-1, 1, 4_000).astype(np.float32) ** 3
    coded = np.rint(changed("mulaw", audio) * 32_768).astype(np.int16)
    pcm = np.clip(np.rint(audio * 32_768), -32_768, 32_767).astype("<i2")
    expected = np.frombuffer(audioop.ulaw2lin(audioop.lin2ulaw(pcm.tobytes(), 2), 2), "<i2")
    levels = np.frombuffer(audioop.ulaw2lin(bytes(range(256)), 2), "<i2")
    assert set(coded.tolist()) <= set(levels.tolist())
    # A sample half way between two levels may go either way; nothing is further off than the better of the two.
    assert np.mean(coded == expected) > 0.98
    assert np.abs(coded - pcm.astype(int)).max() <= np.abs(expected - pcm.astype(int)).max() + 4


@pytest.mark.parametrize("spec", ["mulaw", "mp3@8k", "mp3@16k", "mp3@64k", "opus@16k", "opus@32k"])
@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 96_000])
def test_a_codec_keeps_length_place_and_band(spec: str, rate: int) -> None:
    rng = np.random.default_rng(0)
    audio = sine(500, rate) * np.hanning(rate // 2).astype(np.float32)
    audio[rate // 4 :] += sine(900, rate)[rate // 4 :] * np.float32(0.5)
    audio += rng.normal(0, 1e-3, len(audio)).astype(np.float32)
    coded = changed(spec, audio, rate)
    assert coded.shape == audio.shape
    assert abs(shift(coded, audio)) <= rate * 0.0003
    assert np.corrcoef(coded, audio)[0, 1] > 0.6
    assert not np.array_equal(coded, audio)


def test_fewer_bits_are_further_off(data: Path) -> None:
    audio, rate = read(data / "fsdd" / "recordings" / "7_jackson_0.wav")
    for codec, low, high in (("mp3", 8, 64), ("opus", 6, 32)):
        worse, better = (np.corrcoef(changed(f"{codec}@{bits}k", audio, rate), audio)[0, 1] for bits in (low, high))
        assert 0.5 < worse < better - 0.01


@given(st.floats(-60, 60), st.integers(1, 500))
def test_gain_clips_at_full_scale(decibels: float, samples: int) -> None:
    audio = tone(440)[:samples]
    factor = 10 ** (float(f"{decibels:g}") / 20)
    np.testing.assert_allclose(changed(f"gain:{decibels:+g}dB", audio), np.clip(audio * factor, -1, 1), atol=1e-5)


@given(st.integers(0, 200), st.integers(0, 200), st.sampled_from([8_000, 44_100]))
def test_silence_is_zeros_around_the_clip(before: int, after: int, rate: int) -> None:
    audio = tone(440)
    padded = changed(f"silence:{before / 100:g}s+{after / 100:g}s", audio, rate)
    first = round(before / 100 * rate)
    assert len(padded) == len(audio) + first + round(after / 100 * rate)
    np.testing.assert_array_equal(padded[first : first + len(audio)], audio)
    assert np.abs(padded).sum() == pytest.approx(np.abs(audio).sum())


@given(st.integers(0, 100), st.integers(0, 99))
def test_lost_packets_are_whole_and_more_at_a_higher_share(share: int, seed: int) -> None:
    audio = np.full(16_085, 0.5, np.float32)
    kept = changed(f"drop:{share}%", audio, seed=seed)
    packets = [kept[start : start + 160] for start in range(0, len(kept), 160)]
    assert all(len(set(packet.tolist())) == 1 for packet in packets)
    lost = np.mean([packet[0] == 0 for packet in packets])
    assert lost == pytest.approx(share / 100, abs=0.21)
    more = changed(f"drop:{min(100, share + 10)}%", audio, seed=seed)
    assert not more[kept == 0].any()


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_microphone_has_its_rate_and_band(rate: int) -> None:
    audio = sine(500, 16_000) + sine(6_000, 16_000)
    heard, new_rate = apply(parse(f"rate:{rate}"), audio, 16_000, clip="a")
    assert new_rate == rate
    assert len(heard) == pytest.approx(len(audio) * rate / 16_000, abs=1)
    assert rms_level(heard) - rms_level(audio) == pytest.approx(-3 if rate == 8_000 else 0, abs=0.1)

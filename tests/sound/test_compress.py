"""Less audio for the same words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sound import Audio, compress
from sound.activity import EnergyGate
from sound.compress import LEAD_S, LEVELS, longest_pause_s, pauses, spoken, strength, tempo, without

RATE = 16_000


def tone(seconds: float, level: float = 0.3, hertz: float = 220) -> Audio:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def room(seconds: float, seed: int = 0) -> Audio:
    return np.random.default_rng(seed).normal(0, 1e-3, round(seconds * RATE)).astype(np.float32)


def speech_like(gaps: tuple[float, ...] = (1.5, 2.0, 0.15, 1.0)) -> Audio:
    """Tones of a second among gaps of a quiet room, one before the first and one after the last."""
    parts = [part for number, gap in enumerate(gaps[:-1]) for part in (room(gap, number), tone(1.0))]
    return np.concatenate([*parts, room(gaps[-1], 9)])


@given(st.integers(0, 4000), st.integers(0, 5), st.sampled_from([8_000, 16_000, 44_100]))
def test_a_rate_of_nothing_changes_no_bit(samples: int, seed: int, rate: int) -> None:
    audio = np.random.default_rng(seed).normal(0, 0.3, samples).astype(np.float32)
    made = compress(audio, rate, 0)
    assert made.samples.tobytes() == audio.tobytes()
    assert made.report.kept == 1
    assert made.times.original([0.0, samples / rate]).tolist() == [0.0, samples / rate]


@pytest.mark.parametrize("level", LEVELS)
def test_pauses_are_shortened_to_what_the_level_leaves(level: str) -> None:
    audio = speech_like()
    made = compress(audio, RATE, level, faster=1)
    long = max(longest_pause_s(level), 0.2)
    lead = max(LEAD_S, long / 2)
    expected = 3.0 + lead + long + 0.15 + long / 2
    assert made.samples.size / RATE == pytest.approx(expected, abs=0.1)
    assert made.report.kept_s == made.samples.size / RATE
    assert made.report.seconds - made.report.cut_s == pytest.approx(made.report.kept_s)
    assert made.report.pauses == 3


def test_harder_is_shorter() -> None:
    sizes = [
        compress(speech_like(), RATE, rate).samples.size for rate in (0, 0.1, "light", 0.5, "balanced", 0.9, "hard")
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == len(sizes)


def test_no_sound_is_cut_out_of_the_tones() -> None:
    audio = speech_like()
    for start, end in pauses(audio, RATE, 0.2):
        assert np.abs(audio[start:end]).max() < 0.01


@pytest.mark.parametrize("rate", ["light", "hard"])
def test_times_lead_back_to_the_recording(rate: str) -> None:
    audio = speech_like()
    made = compress(audio, RATE, rate)
    starts = [1.5, 4.5, 5.65]
    loud = np.abs(made.samples) > 0.1
    now = made.times.compressed(starts)
    for start, at in zip(starts, now, strict=True):
        middle = round((at + 0.4 / made.report.tempo) * RATE)
        assert loud[middle - 400 : middle + 400].any()
        assert made.times.original(at) == pytest.approx(start, abs=1e-6)
    ends = made.times.original([0.0, made.samples.size / RATE])
    assert ends == pytest.approx([1.5 - LEAD_S, audio.size / RATE])


@settings(max_examples=25)
@given(st.lists(st.floats(0.05, 2.0), min_size=2, max_size=5), st.floats(0, 1))
def test_times_rise_and_lengths_agree(gaps: list[float], rate: float) -> None:
    audio = speech_like(tuple(gaps))
    made = compress(audio, RATE, rate)
    assert list(made.times.before) == sorted(made.times.before)
    assert list(made.times.after) == sorted(made.times.after)
    assert made.times.after[-1] == pytest.approx(made.samples.size / RATE)
    assert made.times.before[-1] == pytest.approx(audio.size / RATE)
    assert made.samples.dtype == np.float32
    assert np.abs(made.samples).max() <= 1


def test_a_tone_keeps_its_pitch_when_it_is_said_faster() -> None:
    made = compress(tone(4.0), RATE, 1, faster=1.25)
    assert made.samples.size == pytest.approx(4.0 * RATE / 1.25, abs=2)
    peak = np.abs(np.fft.rfft(made.samples)).argmax() * RATE / made.samples.size
    assert peak == pytest.approx(220, abs=2)


def test_nobody_speaks_nothing_is_left() -> None:
    made = compress(np.zeros(RATE, np.float32), RATE, "light", detector=EnergyGate())
    assert made.samples.size == 0
    assert not made.report.speech
    assert made.report.kept == 0
    assert made.times.compressed(0.5) == 0


def test_somebody_speaks_at_the_very_end() -> None:
    audio = np.concatenate([np.zeros(3 * RATE, np.float32), tone(0.5)])
    assert spoken(audio, RATE, EnergyGate())
    assert spoken(audio[::2].copy(), RATE // 2, EnergyGate())
    assert not spoken(audio[: 2 * RATE], RATE, EnergyGate())


@pytest.mark.parametrize("audio", [tone(2.0), room(2.0), np.zeros(RATE, np.float32), tone(0.001), tone(0.0)])
def test_of_what_has_no_pauses_none_is_cut(audio: Audio) -> None:
    made = compress(audio, RATE, "balanced", faster=1)
    assert made.samples.tobytes() == audio.tobytes()


def test_joints_do_not_click() -> None:
    audio = np.concatenate([tone(1.0, hertz=50), room(2.0), tone(1.0, hertz=50)])
    made = compress(audio, RATE, "hard", faster=1)
    assert np.abs(np.diff(made.samples)).max() < 2 * np.abs(np.diff(audio)).max()


def test_a_joint_is_faded() -> None:
    audio = np.concatenate([np.zeros(100, np.float32), np.ones(100, np.float32)])
    joined = without(audio, [(50, 150)], 10)
    assert joined.size == 100
    assert np.all(np.diff(joined[35:55]) <= 0.11)


@pytest.mark.parametrize(("word", "value"), [("light", 0.3), ("hard", 1.0), ("0.25", 0.25), (0.5, 0.5), (0, 0.0)])
def test_words_and_numbers_for_how_hard(word: float | str, value: float) -> None:
    assert strength(word) == value


@pytest.mark.parametrize("wrong", ["harder", 1.01, -0.1, "nan", float("inf")])
def test_other_rates_are_refused(wrong: float | str) -> None:
    with pytest.raises(ValueError, match="light, balanced, hard or a number from 0 to 1"):
        compress(tone(1.0), RATE, wrong)


def test_impossible_pauses_and_tempi_are_refused() -> None:
    with pytest.raises(ValueError, match="pause_s"):
        compress(tone(1.0), RATE, pause_s=0)
    with pytest.raises(ValueError, match="faster"):
        compress(tone(1.0), RATE, faster=4)


def test_tempo_sets_in_after_a_third() -> None:
    assert tempo("light") == 1
    assert tempo("hard") == pytest.approx(1.2)

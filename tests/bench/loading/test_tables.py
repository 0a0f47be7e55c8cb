from __future__ import annotations

import pandas as pd
import pytest

from bench.loading.loaders import OURS
from bench.loading.tables import agreement_of, agrees, compared, duration_against_load, least, pick
from tests.bench.loading import made


def test_the_shortest_timing_of_a_round_counts() -> None:
    shortest = least(made.run().samples)
    row = pick(shortest, task="whole", loader=OURS, format="MP3", length_s=5.0, round=2)
    assert row is not None
    assert row["cpu_s"] == pytest.approx(0.25 * 10 / 1000)


def test_ratios_are_paired_by_round_and_leave_out_what_failed() -> None:
    figures = compared(made.run().samples)
    for loader, factor in made.FACTORS.items():
        row = pick(figures, task="whole", loader=loader, format="WAV16", length_s=0.5)
        assert row is not None
        assert (row["times"], row["low"], row["high"]) == pytest.approx((1 / factor,) * 3)
        assert row["seconds"] == row["cpu_s"] == pytest.approx(factor * 9 / 1000)
    cold = pick(figures, task="cold", loader=OURS, format="MP3")
    assert cold is not None
    assert cold["seconds"] == cold["wall_s"]  # on the wall: a start waits, too
    assert pick(figures, format="M4A") is None


def test_durations_are_set_against_loading_too() -> None:
    row = pick(duration_against_load(made.run().samples), loader=OURS, format="WAV16", length_s=5.0)
    assert row is not None
    assert row["times"] == pytest.approx(4.0)


def test_of_two_rounds_no_interval_is_told() -> None:
    samples = made.run().samples
    row = pick(compared(samples[samples["round"] < 2]), task="whole", loader=OURS, format="MP3", length_s=5.0)
    assert row is not None
    assert row["times"] == pytest.approx(4.0)
    assert pd.isna(row["low"])
    assert pd.isna(row["high"])


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "equal"),
        ({"equal": False, "largest": 1.8e-7}, "within 2e-07"),
        ({"equal": False, "largest": 0.01}, "off by up to 0.01"),
        ({"equal": False, "longer": 1664, "too_long": 1, "largest": 0.5}, "+1,664 samples, off by up to 0.5"),
        ({"equal": False, "longer": -576, "largest": 0.5}, "-576 samples, the right length, off by up to 0.5"),
        ({"equal": False, "largest": None}, "not equal"),
        ({"error": "no"}, "fails"),
        ({"equal": None}, "librosa fails; right length"),
        ({"equal": None, "too_long": 1536}, "librosa fails; +1,536 samples"),
    ],
)
def test_agreement_in_words(more: dict[str, object], words: str) -> None:
    assert agrees(pd.Series(made.agreed("whole", OURS, "MP3", 5.0, **more))) == words


def test_agreement_of_all_lengths_is_said_once_where_it_is_one() -> None:
    table = made.run().agreement
    assert agreement_of(table, OURS, "WAV16", "whole") == "equal"
    assert agreement_of(table, OURS, "WAV16", "duration") == "right"
    other = pd.concat([table, pd.DataFrame([made.agreed("whole", OURS, "WAV16", 60.0, error="x")])])
    assert agreement_of(other, OURS, "WAV16", "whole") == "equal / fails"
    late = pd.DataFrame([made.agreed("duration", OURS, "MP3", 5.0, value=5.01)])
    assert agreement_of(late, OURS, "MP3", "duration") == "+10 ms"

"""What is measured of a clip's sound, on sounds of which it is known."""

from __future__ import annotations

import numpy as np
import pytest

from bench.describe import HOP_S, content
from sound.activity import HOP, RATE, EnergyGate
from tests.conftest import tone


def test_speech_and_pauses_fill_the_clip_and_their_levels_are_told() -> None:
    rng = np.random.default_rng(0)
    quiet = (0.001 * rng.standard_normal(2 * RATE)).astype(np.float32)
    loud = tone(400, 1.0, RATE)
    facts = content(np.concatenate([quiet, loud, quiet]), EnergyGate())
    assert facts["speech_s"] + facts["pauses_s"] == pytest.approx(np.ceil(5 * RATE / HOP) * HOP_S)
    assert 0.5 < facts["speech_s"] < 2
    assert facts["snr_db"] == pytest.approx(20 * np.log10(0.3 / np.sqrt(2) / 0.001), abs=4)


@pytest.mark.parametrize("samples", [1, HOP, 3 * RATE])
def test_silence_has_no_level_of_speech(samples: int) -> None:
    assert "snr_db" not in content(np.zeros(samples, np.float32), EnergyGate())


def test_what_was_heard_before_changes_nothing() -> None:
    gate = EnergyGate()
    first = content(tone(400, 1.0, RATE), gate)
    content(tone(900, 2.0, RATE), gate)
    assert content(tone(400, 1.0, RATE), gate) == first

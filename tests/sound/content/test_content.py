from __future__ import annotations

import json

import numpy as np
import pytest

from sound.activity import HOP, RATE
from sound.content import HOP_S, LABELS, analyse
from tests.sound.content.sounds import Told, noise, tone

ZEROS = np.zeros(RATE, np.float32)


def test_planted_stretches_come_back_as_segments() -> None:
    audio = np.concatenate([ZEROS, tone(150, 1.0), ZEROS, noise(1.0)])
    spoken = [0.0] * 31 + [1.0] * 32
    found = analyse(audio, RATE, Told(spoken))
    assert [each.label for each in found.segments] == ["silence", "speech", "silence", "noise"]
    np.testing.assert_allclose([each.start_s for each in found.segments], [0, 1, 2, 3], atol=2 * HOP_S)
    assert found.segments[-1].end_s == found.duration_s == 4
    assert [each.kind for each in found.segments][:3] == [None] * 3 and found.segments[3].kind == "hiss"
    assert found.kept_s < 2 and found.detector == "told"


def test_without_speech_nothing_need_be_kept() -> None:
    assert analyse(noise(2.0), RATE, Told([])).kept_s == 0


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_any_rate_gives_the_same_hops(rate: int) -> None:
    found = analyse(np.zeros(rate, np.float32), rate, Told([]))
    assert len(found.labels) == -(-RATE // HOP) and set(found.labels) == {LABELS.index("silence")}
    assert found.duration_s == 1


def test_the_same_sound_whatever_the_gain() -> None:
    audio, spoken = np.concatenate([ZEROS, tone(150, 1.0), noise(1.0)]), [0.0] * 31 + [1.0] * 32
    before, after = (analyse(audio * np.float32(gain), RATE, Told(spoken)) for gain in (1, 0.2))
    np.testing.assert_array_equal(after.labels, before.labels)
    np.testing.assert_allclose(after.complexity, before.complexity, atol=0.02)


def test_facts_are_json_of_one_number_a_hop() -> None:
    found = analyse(np.concatenate([noise(0.5), ZEROS]), RATE, Told([]))
    facts = json.loads(json.dumps(found.facts()))
    assert sum(facts["shares"].values()) == pytest.approx(1, abs=1e-3)
    each = ("label", "confidence", "complexity", "importance", "level_db")
    assert {len(facts["hops"][name]) for name in each} == {len(found.labels)}
    assert len(facts["segments"]) == len(found.segments)


@pytest.mark.parametrize(
    ("audio", "rate", "said"),
    [
        (np.zeros(0, np.float32), RATE, "at least one"),
        (np.zeros((2, 9), np.float32), RATE, "mono"),
        (np.full(9, np.nan, np.float32), RATE, "finite"),
        (ZEROS, 0, "rate"),
    ],
)
def test_what_is_no_sound_is_refused(audio: np.ndarray, rate: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        analyse(audio, rate)

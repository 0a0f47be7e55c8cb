from __future__ import annotations

import numpy as np
import pytest

from bench.conditions import Resources, apply, framed_copy, parse
from bench.conditions.framing import CONTEXT_S, DETECTORS, GAP_S, ROOM_DB, framed, live_cut
from bench.conditions.training import ROOM_S
from sound.activity import RATE, EnergyGate
from sound.level import active_level, rms_level
from tests.conftest import tone


def energy() -> Resources:
    """Resources whose streams the energy gate listens to."""
    resources = Resources()
    resources.kept[DETECTORS] = EnergyGate
    return resources


@pytest.mark.parametrize("rate", [8_000, 16_000])
def test_a_framed_clip_lies_in_its_room(rate: int) -> None:
    rng = np.random.default_rng(0)
    clip = np.concatenate([tone(440), rng.normal(0, 1e-3, 4_000)]).astype(np.float32)
    changed, same = apply(parse("framed:200ms"), clip, rate, clip="a")
    margin = round(0.2 * rate)
    assert same == rate
    assert len(changed) == len(clip) + 2 * margin
    np.testing.assert_array_equal(changed[margin:-margin], clip)
    room = rms_level(np.concatenate([changed[:margin], changed[-margin:]])) - active_level(clip, rate)
    assert ROOM_DB[0] - 0.1 <= room <= ROOM_DB[1] + 0.1


def test_the_room_around_silence_is_silent() -> None:
    assert not framed(np.zeros(100, np.float32), 8_000, 0.1, 0.1, np.random.default_rng(0)).any()


def test_what_live_use_cuts_holds_the_word_and_its_context() -> None:
    rng = np.random.default_rng(0)
    word = tone(440)[:4_000]
    cut = live_cut(word, 8_000, rng, energy())
    before, after = (round(seconds * RATE) for seconds in CONTEXT_S)
    speech = cut[before : len(cut) - after]
    assert abs(len(speech) / RATE - len(word) / 8_000) < 0.1
    assert rms_level(speech) > rms_level(cut[: before // 2]) + 20
    np.testing.assert_array_equal(cut, live_cut(word, 8_000, np.random.default_rng(0), energy()))


def test_where_nothing_is_found_nothing_is_heard() -> None:
    silent = live_cut(np.zeros(2_000, np.float32), 8_000, np.random.default_rng(0), energy())
    assert not silent.any()
    assert len(silent) < GAP_S * RATE


def test_framed_copies_differ_and_are_made_again_alike() -> None:
    word = tone(440)
    copies = [framed_copy(word, 8_000, "a", copy, 0) for copy in range(2)]
    assert len(copies[0]) != len(copies[1])
    for copy, made in enumerate(copies):
        assert 0 <= len(made) - len(word) <= 2 * ROOM_S[1] * 8_000
        np.testing.assert_array_equal(made, framed_copy(word, 8_000, "a", copy, 0))

"""Cuts do not depend on how a stream comes in pieces, and mean what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sound import Audio
from sound.activity import HOP, RATE, EnergyGate
from sound.segment import (
    SENTENCES,
    WORDS,
    Cutting,
    Dismissed,
    End,
    Event,
    Hop,
    Onset,
    Segment,
    Segmenter,
    Speculation,
)
from sound.stream import to_grid

LOUD = 0.1


class Planted:
    """Scores a hop by how loud it is: what is planted is what is heard."""

    name = "planted"

    def score(self, hop: Audio) -> float:
        return float(min(1.0, np.abs(hop).max() / LOUD))

    def reset(self) -> None:
        """Nothing is kept."""


def hops(pattern: str) -> Audio:
    """A hop of each: ``#`` is speech, ``+`` unsure, ``.`` silence."""
    gains = {"#": LOUD, "+": 0.4 * LOUD, ".": 0.01 * LOUD}
    rng = np.random.default_rng(len(pattern))
    return np.concatenate(
        [gain * np.where(rng.random(HOP) < 0.5, -1, 1) for gain in map(gains.__getitem__, pattern)]
    ).astype(np.float32)


def cut(samples: Audio, sizes: Sequence[int] = (), cutting: Cutting = WORDS) -> tuple[list[Event], Segmenter]:
    """Everything that happens, in pieces of these sizes over and over."""
    segmenter = Segmenter(Planted(), cutting)
    events, start, turn = list[Event](), 0, 0
    while start < len(samples):
        size = sizes[turn % len(sizes)] if sizes else len(samples)
        events += segmenter.push(samples[start : start + size])
        start, turn = start + size, turn + 1
    return events + segmenter.finish(), segmenter


def told(events: Sequence[Event]) -> list[object]:
    """Events as values that compare."""

    def value(part: object) -> object:
        if isinstance(part, Segment):
            return (part.utterance, part.start, part.onset, part.offset, part.audio.tobytes())
        return part

    return [(type(event), *(value(getattr(event, name)) for name in event.__slots__)) for event in events]


def ends(events: Sequence[Event]) -> list[Segment]:
    return [event.segment for event in events if isinstance(event, End)]


@settings(max_examples=40)
@given(
    st.text("##++...", min_size=1, max_size=60),
    st.integers(0, HOP - 1),
    st.lists(st.integers(1, 5_000), min_size=1, max_size=5),
    st.sampled_from([WORDS, SENTENCES, Cutting(longest_s=0.8), Cutting(before_s=0, shortest_s=0)]),
)
def test_the_same_cuts_however_it_comes(pattern: str, extra: int, sizes: list[int], cutting: Cutting) -> None:
    samples = np.concatenate((hops(pattern), hops("#")[:extra]))
    whole, segmenter = cut(samples, (), cutting)
    assert told(whole) == told(cut(samples, sizes, cutting)[0])
    assert segmenter.end == len(samples)
    last = 0
    for segment in ends(whole):
        assert last <= segment.start <= segment.onset < segment.offset <= len(samples)
        assert segment.offset - segment.onset <= round(cutting.longest_s * RATE)
        assert segment.offset - segment.start <= len(segment.audio)
        assert np.array_equal(segment.audio, to_grid(samples)[segment.start :][: len(segment.audio)])
        last = segment.offset
    assert sum(isinstance(event, Hop) for event in whole) == -(-len(samples) // HOP)
    begun = [event.utterance for event in whole if isinstance(event, Onset)]
    over = [event.segment.utterance if isinstance(event, End) else event.utterance
            for event in whole if isinstance(event, End | Dismissed)]  # fmt: skip
    assert begun == over == list(range(1, len(begun) + 1))


def test_an_utterance_is_guessed_early_and_confirmed_with_the_same_sound() -> None:
    events, _ = cut(hops("." * 20 + "#####" + "." * 20))
    (guess,) = (event for event in events if isinstance(event, Speculation))
    (end,) = (event for event in events if isinstance(event, End))
    assert (end.segment.onset, end.segment.offset) == (20 * HOP, 25 * HOP)
    assert guess.segment.same(end.segment)
    assert (guess.at - end.segment.offset, end.at - end.segment.offset) == (3 * HOP, 6 * HOP)
    assert end.segment.onset - end.segment.start == round(0.3 * RATE)
    assert len(end.segment.framed(0)) == 5 * HOP
    assert len(end.segment.framed(0.2, 0.05)) == 5 * HOP + round(0.25 * RATE)
    assert len(end.segment.framed(9)) == len(end.segment.audio)


def test_speech_that_goes_on_makes_a_guess_anew() -> None:
    events, _ = cut(hops("." * 10 + "####...." + "####" + "." * 10))
    guesses = [event.segment for event in events if isinstance(event, Speculation)]
    (end,) = ends(events)
    assert [guess.offset for guess in guesses] == [14 * HOP, 22 * HOP]
    assert guesses[1].same(end)


def test_speech_that_begun_goes_on_while_it_is_unsure_but_does_not_begin_so() -> None:
    assert [(each.onset, each.offset) for each in ends(cut(hops("++++####+++" + "." * 9))[0])] == [(4 * HOP, 11 * HOP)]
    assert not [event for event in cut(hops("+" * 90))[0] if not isinstance(event, Hop)]


def test_a_click_is_dismissed() -> None:
    events, _ = cut(hops("." * 9 + "#" + "." * 9))
    assert [type(event) for event in events if not isinstance(event, Hop)] == [Onset, Dismissed]


def test_context_is_never_another_utterance() -> None:
    first, second = ends(cut(hops("...####" + "." * 6 + "####" + "." * 9))[0])
    assert second.start == first.offset
    assert first.utterance + 1 == second.utterance


def test_what_goes_on_too_long_is_cut_where_it_is_least_sure() -> None:
    cutting = Cutting(longest_s=1.024)
    events, _ = cut(hops("#" * 20 + "+" + "#" * 20 + "." * 9), (), cutting)
    assert [(each.onset, each.offset) for each in ends(events)] == [(0, 20 * HOP), (20 * HOP, 41 * HOP)]
    assert [event.cut for event in events if isinstance(event, End)] == [True, False]


def test_a_drone_is_held_no_longer_than_allowed() -> None:
    parts = ends(cut(hops("#" * 1_000))[0])
    assert max(each.offset - each.onset for each in parts) <= round(WORDS.longest_s * RATE)
    assert parts[-1].offset == 1_000 * HOP


def test_push_to_talk_lasts_from_press_to_release_and_finds_the_speech_in_it() -> None:
    segmenter = Segmenter(Planted(), Cutting(listening=False))
    assert all(isinstance(event, Hop) for event in segmenter.push(hops("..####........")))
    (begun,) = segmenter.press()
    assert isinstance(begun, Onset) and begun.onset == 14 * HOP
    assert segmenter.press() == []
    assert all(isinstance(event, Hop) for event in segmenter.push(hops("...####.........####....")))
    (end,) = segmenter.release()
    assert isinstance(end, End)
    assert (end.segment.onset, end.segment.offset) == (17 * HOP, 34 * HOP)
    assert segmenter.release() == []
    segmenter.press()
    segmenter.push(hops("......"))
    (silent,) = segmenter.release()
    assert isinstance(silent, End)
    assert silent.segment.offset - silent.segment.onset == 6 * HOP


def test_a_press_holds_what_is_under_way_and_the_end_of_the_stream_releases() -> None:
    segmenter = Segmenter(Planted())
    segmenter.push(hops("...##"))
    assert segmenter.press() == []
    segmenter.push(hops("#........##"))
    assert segmenter.current() is not None
    (end,) = segmenter.finish()
    assert isinstance(end, End)
    assert (end.segment.onset, end.segment.offset) == (3 * HOP, 16 * HOP)
    assert segmenter.current() is None


def test_memory_is_bounded() -> None:
    segmenter = Segmenter(Planted())
    for _ in range(40):
        segmenter.push(hops("#" * 60 + "." * 40))
    assert len(segmenter._tape._samples) < 30 * RATE


@pytest.mark.parametrize(
    "wrong",
    [{"leave": 0.6}, {"confirm_s": 0.05}, {"longest_s": 0.5}, {"before_s": -1}, {"enter": 1.5}, {"shortest_s": 9}],
)
def test_settings_at_odds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"wanted|must"):
        Cutting(**wrong)  # type: ignore[arg-type]


def test_steady_noise_does_not_trigger_the_energy_gate_and_lets_go() -> None:
    rng = np.random.default_rng(0)
    quiet, noise = (rng.normal(0, level, 8 * RATE).astype(np.float32) for level in (0.001, 0.05))
    segmenter = Segmenter(EnergyGate())
    events = segmenter.push(np.concatenate((quiet, noise)))
    held = [event.at for event in events if isinstance(event, Hop) and event.speaking]
    assert not held or (min(held) > 8 * RATE and max(held) < 11 * RATE)


def test_a_whole_recording_is_handed_over_as_it_is() -> None:
    audio = (np.arange(80) / 80).astype(np.float32)
    whole = Segment.whole(1, audio, 8_000)
    assert np.array_equal(whole.framed(0.2), audio)
    assert np.array_equal(Segment(1, 0, 16, 48, audio, 8_000).framed(0.001), audio[8:56])

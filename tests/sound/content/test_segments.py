from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sound.content.scores import NOISE, SILENCE, SPOKEN
from sound.content.segments import FASTEST, FRONT_S, PAUSE_S, SHORTEST, label_hops, recommendation, runs


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60))
def test_runs_cover_every_hop_once(labels: list[int]) -> None:
    found = list(runs(np.array(labels)))
    assert [place for start, end in found for place in range(start, end)] == list(range(len(labels)))
    assert all(len(set(labels[start:end])) == 1 for start, end in found)
    assert all(labels[one[0]] != labels[two[0]] for one, two in itertools.pairwise(found))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=60))
def test_no_stretch_is_shorter_than_the_shortest_but_the_first(labels: list[int]) -> None:
    found = list(runs(label_hops(np.eye(3)[labels])))
    assert all(end - start >= SHORTEST for start, end in found[1:])


def test_speech_is_sped_up_by_how_little_it_matters() -> None:
    assert recommendation(SPOKEN, 2.0, 1.0, False, False) == ("tempo", 1.0)
    assert recommendation(SPOKEN, 2.0, 0.0, False, False) == ("tempo", 1 / FASTEST)


@pytest.mark.parametrize("label", [SILENCE, NOISE])
def test_pauses_are_shortened_and_more_is_kept_in_front(label: int) -> None:
    assert recommendation(label, 2.0, 0.0, False, False) == ("shorten", PAUSE_S / 2)
    assert recommendation(label, 2.0, 0.0, False, True) == ("shorten", FRONT_S / 2)
    assert recommendation(label, 0.1, 0.0, False, False) == ("keep", 1.0)
    assert recommendation(label, 0.1, 0.0, True, False) == ("drop", 0.0)

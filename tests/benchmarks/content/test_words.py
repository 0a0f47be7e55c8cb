from __future__ import annotations

from benchmarks.content.planted import UNKNOWN
from benchmarks.content.words import word_hops
from sound.content import HOP_S
from sound.content.scores import NOISE, SPOKEN


def test_words_and_short_gaps_are_speech() -> None:
    words = [(10 * HOP_S, 20 * HOP_S), (25 * HOP_S, 30 * HOP_S), (50 * HOP_S, 55 * HOP_S)]
    truth = word_hops(words, 60)
    assert [hop for hop in range(60) if truth[hop] == SPOKEN] == [*range(10, 30), *range(50, 55)]
    assert set(truth) == {NOISE, SPOKEN}


def test_without_words_nothing_is_known() -> None:
    assert set(word_hops([], 4)) == {UNKNOWN}

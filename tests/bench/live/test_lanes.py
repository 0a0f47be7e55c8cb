"""Lanes that are slow, hang, die or are out of memory: their own loss alone, and they come back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from queue import SimpleQueue
from time import monotonic, sleep

import numpy as np
import pytest

from bench.errors import BenchError
from bench.live import events
from bench.live.lanes import Lane, Lanes, Reply, open_lanes
from tests.bench.live.running import candidate, collect, utterance

LOUD = 0.9
NAMES = ("Quick", "Slow", "Hung", "Mortal", "Greedy", "Picky")


@pytest.fixture(scope="module")
def states() -> SimpleQueue[events.Lane]:
    return SimpleQueue()


@pytest.fixture(scope="module")
def lanes(states: SimpleQueue[events.Lane]) -> Iterator[Lanes]:
    with open_lanes([candidate(name) for name in NAMES], states.put, step_s=2) as opened:
        assert opened.wait(120)
        yield opened


def named(lanes: Lanes, name: str) -> Lane:
    return next(lane for lane in lanes.lanes if lane.name.endswith(name))


def ask(lanes: Lanes, number: int, level: float = 0.2) -> dict[tuple[str, int], Reply]:
    replies: SimpleQueue[Reply] = SimpleQueue()
    assert lanes.wait(60)
    lanes.submit("one", utterance(number, level), replies.put)
    return {
        (backend.rpartition(":")[2], place): each for (backend, place), each in collect(replies, len(NAMES)).items()
    }


def test_all_answer_with_the_context_that_they_want(lanes: Lanes) -> None:
    told = ask(lanes, 1)
    assert {reply.state for reply in told.values()} == {"answered"}
    said = told["Quick", 1].said
    assert said is not None and said["label"] == "1"
    assert said["text"] == str(round(16_000 * (0.1 + 0.4 + 0.096)) + 64)
    assert set(said["scores"]) == {"0", "1", "2"}
    assert all(reply.queue_s >= 0 and reply.model_s >= 0 for reply in told.values())


def test_what_goes_wrong_costs_its_own_lane_and_it_comes_back(lanes: Lanes) -> None:
    told = ask(lanes, 2, LOUD)
    states = {name: told[name, 2].state for name in NAMES}
    assert states == dict.fromkeys(NAMES, "failed") | {"Quick": "answered", "Slow": "answered"}
    reasons = {name: str(told[name, 2].error) for name in NAMES}
    assert "no answer within the time limit of 2 s" in reasons["Hung"]
    assert "SIGKILL" in reasons["Mortal"]
    assert "out of memory" in reasons["Greedy"]
    assert "too loud" in reasons["Picky"]
    again = ask(lanes, 3)
    assert {reply.state for reply in again.values()} == {"answered"}


def test_the_newest_wins_and_clients_do_not_displace_each_other(lanes: Lanes) -> None:
    assert lanes.wait(60)
    slow, replies = named(lanes, "Slow"), SimpleQueue[Reply]()
    for number in (1, 2, 3):
        slow.submit("mine", utterance(number, LOUD), replies.put)
    slow.submit("yours", utterance(9), replies.put)
    told = {place: reply.state for (_, place), reply in collect(replies, 4).items()}
    assert told == {1: told[1], 2: "dropped", 3: "answered", 9: "answered"}
    assert told[1] in ("answered", "dropped")  # taken at once, or not


def test_a_slow_lane_keeps_no_other_waiting(lanes: Lanes) -> None:
    assert lanes.wait(60)
    slow, quick, replies = named(lanes, "Slow"), named(lanes, "Quick"), SimpleQueue[Reply]()
    slow.submit("one", utterance(1, LOUD), replies.put)
    quick.submit("one", utterance(1, LOUD), replies.put)
    first = replies.get(timeout=10)
    assert (first.backend, first.state) == (quick.name, "answered")
    replies.get(timeout=10)


def test_one_that_dies_idle_is_missed_at_once_and_replaced(lanes: Lanes, states: SimpleQueue[events.Lane]) -> None:
    assert lanes.wait(60)
    quick = named(lanes, "Quick")
    while not states.empty():
        states.get()
    assert quick.pid is not None
    os.kill(quick.pid, signal.SIGKILL)
    told = [states.get(timeout=60) for _ in range(3)]
    assert [(each.backend, each.state) for each in told] == [
        (quick.name, state) for state in ("down", "starting", "ready")
    ]
    assert "SIGKILL" in told[0].reason or "ended" in told[0].reason


def test_what_comes_while_it_starts_is_dropped_with_the_reason(lanes: Lanes) -> None:
    assert lanes.wait(60)
    mortal, replies = named(lanes, "Mortal"), SimpleQueue[Reply]()
    mortal.submit("one", utterance(1, LOUD), replies.put)
    assert replies.get(timeout=20).state == "failed"
    mortal.submit("one", utterance(2), replies.put)
    late = replies.get(timeout=20)
    assert (late.state, late.segment.utterance) == ("dropped", 2)
    assert "SIGKILL" in str(late.error)


def test_what_a_client_that_left_has_waiting_is_forgotten(lanes: Lanes) -> None:
    assert lanes.wait(60)
    slow, replies = named(lanes, "Slow"), SimpleQueue[Reply]()
    slow.submit("other", utterance(1, LOUD), replies.put)
    until = monotonic() + 10
    while slow._waiting and monotonic() < until:
        sleep(0.01)
    slow.submit("gone", utterance(2), replies.put)
    slow.forget("gone")
    slow.submit("other", utterance(3), replies.put)
    assert {place for _, place in collect(replies, 2)} == {1, 3}


def test_one_that_cannot_be_made_is_unusable_and_says_why() -> None:
    told: SimpleQueue[events.Lane] = SimpleQueue()
    with open_lanes([candidate("Broken")], told.put) as opened:
        assert opened.wait(60)
        (state,) = opened.states()
        assert state.state == "unusable" and "no weights" in state.reason
        replies: SimpleQueue[Reply] = SimpleQueue()
        opened.submit("one", utterance(1), replies.put)
        reply = replies.get(timeout=10)
        assert reply.state == "dropped" and "no weights" in str(reply.error)


def test_names_differ() -> None:
    with pytest.raises(BenchError, match="two backends"), open_lanes([candidate("Quick")] * 2):
        pass


def test_a_segment_is_handed_over_bit_by_bit(lanes: Lanes) -> None:
    segment = utterance(5)
    told = ask(lanes, 5)
    level = float(np.sqrt(np.mean(segment.framed(0.1).astype(np.float64) ** 2)))
    assert told["Quick", 5].said is not None
    assert told["Quick", 5].said["scores"]["0"] == level

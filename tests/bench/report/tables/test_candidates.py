from __future__ import annotations

from collections.abc import Sequence
from math import inf, nan
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.records.schema import Run
from bench.report.build import tables
from bench.report.tables.candidates import COSTS, Candidates, candidates, dominance, prices
from tests.bench.factory import clips, heard, run, timings

CLIPS = clips(takes=40)
NAMES = list(CLIPS["clip"])
SPLITS = ("official", "mixed", "loso")
FEW = st.one_of(st.sampled_from([nan, 1.0, 2.0, 3.0]), st.floats(0.001, 5))
ROWS = st.lists(st.tuples(st.sampled_from([0.5, 0.75, 1.0]), FEW, FEW, FEW), min_size=1, max_size=9)


def field(rows: Sequence[Sequence[float]], *better: tuple[str, str], trained: bool = True) -> Candidates:
    """Candidates a, b, c ... of (accuracy, s, bytes of memory, bytes of model)."""
    table = pd.DataFrame([list(row) for row in rows], columns=["accuracy", *COSTS], dtype=float)
    table = table.assign(backend=[chr(97 + i) for i in range(len(rows))], trained=trained)
    table = table.sort_values(["accuracy", *COSTS], ascending=[False, True, True, True], ignore_index=True)
    return Candidates(table, "loso", True, frozenset(better), {})


def toy(**wrong: int) -> Run:
    """Trained t*, zero-shot z*, and chance; each wrong in so many of the 360 clips."""
    latency = timings({name: 0.001 * (i + 1) for i, name in enumerate(wrong)}, calls=140)
    parts = [heard(CLIPS, name, NAMES[:n], of=(None,) if name[0] == "z" else SPLITS) for name, n in wrong.items()]
    return run(pd.concat(parts, ignore_index=True), CLIPS, latency)


def judged(made: Run, new_speakers: bool = True) -> Candidates:
    return candidates(made, tables(made), new_speakers)


@given(ROWS)
def test_no_member_is_dominated_and_every_other_is_dominated_by_a_member(rows: list[tuple[float, ...]]) -> None:
    every = field(rows)
    front = set(every.front().names)
    assert front
    for name in every.names:
        over = set(every.dominators(name))
        assert (not over) if name in front else over & front


@given(ROWS)
def test_dominance_agrees_with_its_definition(rows: list[tuple[float, ...]]) -> None:
    costs = prices(field(rows).table)
    found = dominance(costs)
    for i, a in enumerate(costs.tolist()):
        for j, b in enumerate(costs.tolist()):
            no_worse = all(x <= y for x, y in zip(a, b, strict=True))
            assert found[i, j] == (no_worse and a != b)


@given(ROWS, st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=30))
def test_the_pick_is_on_the_front_and_not_shown_to_be_worse(
    rows: list[tuple[float, ...]], shown: set[tuple[int, int]]
) -> None:
    letters = [(chr(97 + i), chr(97 + j)) for i, j in shown if i < len(rows) and j < len(rows)]
    real = [(a, b) for a, b in letters if rows[ord(a) - 97][0] > rows[ord(b) - 97][0]]
    every = field(rows, *real)
    pick, _ = every.pick()
    assert pick in every.front().names
    assert (every.names[0], pick) not in every.better


def test_what_is_unknown_is_the_worst() -> None:
    assert prices(field([(0.5, nan, 1, nan)]).table).tolist() == [[-0.5, inf, 1.0, inf]]
    assert field([(0.5, nan, 1, 1), (0.5, 9, 1, 1)]).front().names == ["b"]


@pytest.mark.parametrize(
    ("rows", "better", "pick"),
    [
        ([(0.9, 2, 1, 1), (0.8, 1, 1, 1)], [("a", "b")], ("a", "fastest")),
        ([(0.9, 2, 1, 1), (0.8, 1, 1, 1)], [], ("b", "fastest")),
        ([(0.9, 1.02, 1, 1), (0.8, 1.01, 1, 2)], [], ("a", "smallest of the fastest")),
        ([(0.9, nan, 1, 2), (0.8, nan, 1, 1)], [], ("b", "smallest")),
        ([(0.9, nan, 1, 1), (0.8, 1, 1, 2)], [], ("b", "fastest")),
    ],
)
def test_the_cheapest_not_shown_to_be_worse_is_picked(
    rows: list[tuple[float, ...]], better: list[tuple[str, str]], pick: tuple[str, str]
) -> None:
    assert field(rows, *better).pick() == pick


def test_candidates_have_the_figures_of_the_summary_best_first() -> None:
    made = toy(t1=90, t2=30, z1=10, chance=240)
    found = judged(made)
    assert (found.split, found.new_speakers, found.names) == ("loso", True, ["z1", "t2", "t1"])
    row = found.row("t2")
    assert (row["accuracy"], row["clips"], row["trained"]) == (330 / 360, 360, True)
    assert row["p50_s"] == pytest.approx(0.002, rel=0.05)
    assert ("t2", "t1") in found.better


def test_known_speakers_are_judged_on_a_split_that_has_them() -> None:
    found = judged(toy(t1=90, z1=10), new_speakers=False)
    assert (found.split, found.new_speakers) == ("mixed", False)


@pytest.mark.parametrize(
    ("gone", "new_speakers", "why"),
    [
        (["loso"], True, "t1 needs training, and the run tests no speakers it has not heard (loso: no speakers)"),
        (["official", "mixed"], False, "t1 needs training, and the run tests no speakers it has heard"),
    ],
)
def test_where_no_split_asks_the_question_zero_shot_backends_answer(
    gone: list[str], new_speakers: bool, why: str
) -> None:
    kept = [split for split in SPLITS if split not in gone]
    rows = pd.concat([heard(CLIPS, "t1", of=kept), heard(CLIPS, "z1", NAMES[:9])], ignore_index=True)
    made = run(rows, CLIPS, ran=kept)
    made.info["corpus"]["impossible_splits"] = {"loso": "no speakers"}
    found = judged(made, new_speakers)
    assert (found.names, found.new_speakers) == (["z1"], True)
    assert found.unjudged["t1"].startswith(why)


def test_the_floor_and_what_is_no_better_are_no_candidates() -> None:
    found = judged(toy(z1=10, z2=236, chance=240))
    assert found.names == ["z1"]
    assert found.unjudged == {"z2": "z2 is not shown to be better than chance"}


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        ({"phase": "checks", "reason": "order: 3 of 12"}, "t1 failed a leak check: order: 3 of 12"),
        ({"phase": "prepare", "reason": "no weights"}, "gone failed: no weights"),
    ],
)
def test_who_failed_cannot_be_chosen(failure: dict[str, Any], why: str) -> None:
    made = toy(t1=20, z1=10)
    name = why.split()[0]
    made.info["failures"].append({"backend": name, **failure})
    assert judged(made).unjudged == {name: why}


def test_who_did_not_hear_every_clip_cannot_be_chosen() -> None:
    rows = pd.concat([heard(CLIPS, "z1", NAMES[:9]), heard(CLIPS[:30], "z2")], ignore_index=True)
    found = judged(run(rows, CLIPS))
    assert found.unjudged == {"z2": "z2 heard 30 of the 360 test clips of loso: a figure needs them all"}
    assert np.isnan(found.row("z1")["p50_s"])


def test_a_run_without_splits_has_no_candidates() -> None:
    found = judged(run(heard(CLIPS, "z1"), CLIPS, ran=[]))
    assert (found.names, found.split) == ([], "")

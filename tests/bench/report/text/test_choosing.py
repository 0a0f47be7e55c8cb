from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given

from bench.records.schema import Run
from bench.report.build import build, tables
from bench.report.text.choosing import situations, which_one
from tests.bench.factory import clips, heard, run, timings
from tests.bench.report.tables.test_candidates import CLIPS, NAMES, ROWS, field, toy


def section(made: Run) -> str:
    return "\n\n".join(which_one(made, tables(made)))


def rows(text: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line.startswith("|")]
    return {row[0]: row[1:] for row in cells[2:]}


@given(ROWS)
def test_every_member_is_the_answer_to_something(given_rows: list[tuple[float, ...]]) -> None:
    every = field(given_rows)
    found = situations(every)
    assert list(found) == every.front().names
    assert all(found.values())


def test_situations_follow_from_the_figures() -> None:
    every = field(
        [(0.99, 20, 300, 80), (0.985, 7, 300, 80), (0.85, 0.2, 60, 1), (0.75, 1, 50, 2), (0.6, 0.1, 70, 0.1)],
        *[(a, b) for a, b in [("a", "c"), ("a", "d"), ("a", "e"), ("b", "c"), ("c", "d"), ("c", "e")]],
    )
    assert situations(every) == {
        "a": "most accurate (not shown to be better than b)",
        "b": "fastest not shown to be less accurate than a",
        "c": "most accurate within 200 ms",
        "d": "least memory of all",
        "e": "fastest of all; smallest of all",
    }


def test_two_budgets_are_told_where_one_does_not_do() -> None:
    corners = [(0.9, 0.001, 9e6, 9e6), (0.9, 0.009, 1e6, 9e6), (0.9, 0.009, 9e6, 1e6), (0.5, 0.001, 1e6, 9e6)]
    every = field([*corners, (0.8, 0.002, 2e6, 9e6)], *[(a, b) for a in "abc" for b in "de"], ("e", "d"))
    assert situations(every)["e"] == "most accurate within 2.00 ms and 2.00 MB of memory"


def test_the_best_without_training_is_named() -> None:
    assert situations(field([(0.9, 1, 1, 1)])) == {"a": "everything: the only candidate"}
    text = section(toy(t1=30, t2=90, z1=60, chance=240))
    assert "- z1 is dominated by t1: more accurate, faster; still the most accurate without training." in text
    assert rows(section(toy(t1=60, z1=30, chance=240)))["z1"][-1].endswith("needs no training")


def test_members_and_dominated_ones_are_told_with_their_figures() -> None:
    text = section(toy(t1=30, t2=29, z1=2, chance=240))
    assert list(rows(text)) == ["z1", "t2", "t1"]
    header = next(line for line in text.splitlines() if line.startswith("|"))
    assert [cell.strip() for cell in header.split("|")[1:-1]] == [
        "backend (toy)",
        "accuracy on new speakers, % ↑",
        "ms per clip, p50 ↓",
        "above idle, MB ↓",
        "model, MB ↓",
        "the answer for",
    ]
    assert "loso, 360 clips, speakers not heard in training" in text


def test_an_unshown_edge_is_marked() -> None:
    text = section(toy(t1=29, t2=30))
    assert "- t2 is dominated by t1: more accurate (not shown), faster." in text


def test_known_speakers_serve_where_there_are_no_others() -> None:
    ran = ("official", "mixed")
    text = section(run(heard(CLIPS, "t1", of=ran), CLIPS, ran=ran))
    assert "accuracy on known speakers" in text
    assert "speakers heard in training" in text


def test_costs_that_were_not_measured_are_explained() -> None:
    rows_ = pd.concat([heard(CLIPS, "z1"), heard(CLIPS, "z2", NAMES[:40])], ignore_index=True)
    made = run(rows_, CLIPS, timings({"z2": 0.01}), failures=[{"backend": "z1", "phase": "latency", "reason": "slow"}])
    text = section(made)
    assert rows(text)["z1"][1:3] == ["failed: slow", "failed"]
    assert "What was not measured counts as the worst." in text
    assert "z2" in rows(text)


def test_who_cannot_be_judged_is_told_why() -> None:
    made = run(pd.concat([heard(CLIPS, "z1"), heard(CLIPS[:30], "z*2")], ignore_index=True), CLIPS)
    assert r"- Not judged: z\*2 heard 30 of the 360 test clips of loso" in section(made)


@pytest.mark.parametrize("name", ["chance", "z1"])
def test_without_a_candidate_there_is_no_section(name: str) -> None:
    ran = ["loso"] if name == "chance" else []
    assert section(run(heard(clips(), name), clips(), ran=ran)) == ""


def test_the_section_is_a_function_of_the_records() -> None:
    made = toy(t1=30, t2=90, z1=60, chance=240)
    shuffled = replace(made, predictions=made.predictions.sample(frac=1, random_state=0))
    assert section(made) == section(shuffled)
    assert section(made) in build(made).markdown

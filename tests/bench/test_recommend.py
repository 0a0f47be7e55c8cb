from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.recommend import Limit, Wish, choose, limits, nearest_miss
from bench.records.schema import Run
from tests.bench.factory import save
from tests.bench.report.tables.test_candidates import ROWS, field, toy

MADE = toy(t1=90, t2=60, t3=58, z1=10, chance=240)
"""p50 of 1, 2, 3 and 4 ms; models of 2 MB, 100 MB above idle."""


def ask(made: Run = MADE, **wish: Any) -> str:
    return "\n".join(choose(made, Wish(**wish)).lines)


def test_the_answer_has_its_figures_and_the_reason_in_two_lines() -> None:
    found = choose(MADE, Wish())
    first, second = found.lines
    assert (found.backend, found.exit_code) == ("z1", 0)
    assert first.startswith("z1: 97.2 % on new speakers (95 % interval ")
    assert "loso, 360 clips" in first and "ms per clip (p50, 2 threads)" in first
    assert first.endswith("100 MB of memory above idle, a model of 2.00 MB")
    assert second == "Shown on these clips to be the most accurate of all; next is t3 with 83.9 %."


def test_of_those_not_shown_to_be_worse_the_fastest_is_picked() -> None:
    answer = ask(max_ms=3.5)
    assert answer.startswith("t2: 83.3 %")
    assert "The fastest not shown to be less accurate than t3 (83.9 %, 3" in answer
    assert "z1 is 13.9 points better but takes 4" in answer


def test_what_is_more_accurate_but_not_shown_is_marked() -> None:
    assert "t3 is 0.6 points better (not shown) but takes 3" in ask(max_ms=2.5)


def test_what_is_as_accurate_is_not_better() -> None:
    assert ask(toy(t1=30, t2=30), max_ms=1.5).endswith("The limits exclude nothing more accurate.")


@pytest.mark.parametrize(
    ("wish", "pick", "reason"),
    [
        ({"max_ms": 1.5}, "t1", "The only one that fits."),
        ({"training": False}, "z1", "The only one that fits. The limits exclude nothing more accurate."),
        ({"max_mb": 2}, "z1", "The limits exclude nothing more accurate."),
        ({"min_accuracy": 97.2}, "z1", "The only one that fits."),
        ({"new_speakers": False, "max_ms": 1.5}, "t1", "The only one that fits."),
    ],
)
def test_limits_are_kept(wish: dict[str, Any], pick: str, reason: str) -> None:
    found = choose(MADE, Wish(**wish))
    assert found.backend == pick
    assert reason in found.lines[1]


@pytest.mark.parametrize(
    ("wish", "first"),
    [
        ({"max_mb": 1.5}, "nothing fits; z1 would do at --max-mb 2"),
        ({"max_ram_mb": 50}, "nothing fits; z1 would do at --max-ram-mb 100"),
        ({"max_cold_s": 0.5}, "nothing fits; z1 would do at --max-cold-s 1.2"),
        ({"min_accuracy": 99}, "nothing fits; z1 would do at --min-accuracy 97.2"),
    ],
)
def test_where_nothing_fits_the_nearest_miss_is_named(wish: dict[str, Any], first: str) -> None:
    found = choose(MADE, Wish(**wish))
    assert (found.exit_code, found.backend, found.nearest, found.lines[0]) == (1, None, "z1", first)
    assert found.lines[1].startswith("z1: 97.2 %")


def test_the_nearest_misses_fewest_limits() -> None:
    assert "t1 would do at --max-mb 2" in ask(max_ms=1.5, max_mb=1.5)


@settings(max_examples=200)
@given(ROWS, st.floats(0, 3), st.floats(0, 3), st.floats(0, 100))
def test_what_the_nearest_miss_takes_is_enough(
    rows: list[tuple[float, ...]], ms: float, mb: float, accuracy: float
) -> None:
    every = field([(a, s / 1e3, ram * 1e6, size * 1e6) for a, s, ram, size in rows])
    wish = Wish(max_ms=ms, max_mb=mb, min_accuracy=accuracy)
    name, flags = nearest_miss(every, limits(wish))
    if name is None:
        assert all(pd.isna(row["p50_s"]) or pd.isna(row["model_bytes"]) for _, row in every.table.iterrows())
        return
    words = flags.split()
    said = zip(words[::2], words[1::2], strict=True)
    eased: dict[str, Any] = {flag[2:].replace("-", "_"): float(number) for flag, number in said}
    row = every.row(name)
    assert all(limit.holds(row[limit.column]) for limit in limits(replace(wish, **eased)))


@pytest.mark.parametrize(
    ("figure", "flag"),
    [(0.00702, "--max-ms 7.1"), (0.0071, "--max-ms 7.1"), (0.2263, "--max-ms 227"), (0.0000591, "--max-ms 0.06")],
)
def test_a_flag_is_rounded_so_that_it_still_holds(figure: float, flag: str) -> None:
    assert Limit("--max-ms", 1, "p50_s", 1e3, "", "").enough(figure) == flag


def test_a_p95_that_is_not_known_is_not_within_its_limit() -> None:
    few = replace(MADE, latency=MADE.latency[MADE.latency["round"] < 5])
    assert ask(few, max_ms=9).startswith("z1")
    found = choose(few, Wish(max_ms=9, p95=True))
    assert (found.exit_code, found.lines[1]) == (1, "No candidate has a figure for all of --max-ms.")


def test_a_trial_is_marked_and_the_floor_never_recommended() -> None:
    trial = replace(MADE, info={**MADE.info, "testing_only": True})
    assert ask(trial).startswith("(for testing only) z1")
    assert ask(trial, max_mb=1).startswith("(for testing only) nothing fits")
    assert ask(toy(chance=240)).splitlines() == ["nothing fits", "There is no candidate."]
    assert ask(toy(t1=9), training=False).endswith("There is no candidate that needs no training.")
    assert ask(toy(z1=9)).endswith("The only candidate.")


def test_notes_say_what_must_be_known() -> None:
    info = {**MADE.info, "notice": "synthetic voices", "machine": {**MADE.info["machine"], "busy": True}}
    failed = {"backend": "gone", "phase": "prepare", "reason": "no weights"}
    found = choose(replace(MADE, info={**info, "failures": [failed]}), Wish())
    assert found.notes == ("synthetic voices", "the machine was busy: distrust the times", "gone failed: no weights")


def test_the_command_prints_two_lines_or_json_and_exits_with_1_where_nothing_fits(tmp_path: Path) -> None:
    folder = save(MADE, tmp_path / "run")

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "bench", "recommend", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    done = call("--max-ms", "3.5", "--new-speakers")
    assert (done.returncode, done.stdout.splitlines()) == (0, ask(max_ms=3.5).splitlines())
    missed = call("--max-mb", "1.5", "--json")
    assert (missed.returncode, json.loads(missed.stdout)["flags"]) == (1, "--max-mb 2")
    assert call("--max-ms", "-1").returncode == 2

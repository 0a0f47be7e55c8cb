from __future__ import annotations

from typing import Any

import pytest

from benchmarks.content.report import (
    complexity,
    cpu_p95,
    kinds_table,
    margin,
    planted_table,
    ratio,
    report,
    snr_table,
    words_text,
)

RIGHT = [[10, 0, 0], [0, 20, 0], [0, 0, 30]]
WRONG = [[10, 0, 0], [0, 15, 5], [0, 6, 24]]


def planted(snr_db: float, table: list[list[int]]) -> dict[str, Any]:
    stretches = {"counts": table, "in_noise": table, "beside": table, "clean": RIGHT}
    return {"noise": "tap", "kind": "water", "snr_db": snr_db, "hops": 100, "cpu_s": 0.02 + snr_db / 1e4, **stretches}


DELETIONS = [
    {"speaker": f"s{place % 4}", "as it is": 1, "bottom": 2, "random": 4, "top": 8, "faster": 1 + place, "units": 20,
     "complexity": 0.1 * place}
    for place in range(8)
]  # fmt: skip
RAW = {
    "planted": [planted(20.0, RIGHT), planted(0.0, WRONG)],
    "kinds": [
        {"noise": "one", "kind": "water", "hops": {"water": 9, "hiss": 1}, "speech": 0, "all": 10},
        {"noise": "two", "kind": "water", "hops": {"hiss": 4}, "speech": 6, "all": 10},
        {"noise": "mute", "kind": "hum", "hops": {}, "speech": 0, "all": 10},
    ],
    "words": [{"counts": [[0, 0, 0], [0, 8, 2], [0, 9, 81]]}],
    "deletions": DELETIONS,
}


def test_planted_truth_is_summed() -> None:
    assert "| noise | 0 | 35 | 5 | 87.5 % |" in planted_table(RAW["planted"])
    assert "| speech | 0 | 6 | 54 | 90.0 % |" in planted_table(RAW["planted"])


def test_miss_and_false_alarm_by_snr() -> None:
    lines = snr_table(RAW["planted"]).splitlines()
    assert lines[2] == "| 20 | 0.0 % | 0.0 % | 0.0 % | 0.0 % |"
    assert lines[3] == "| 0 | 20.0 % | 16.7 % | 16.7 % | 0.0 % |"


def test_kinds_count_files_alike() -> None:
    table = kinds_table(RAW["kinds"])
    assert "| water | 55 % | 0 % | 45 % | 1 of 2 | 30.0 % |" in table
    assert "| hum | 0 % | 0 % | 0 % | 0 of 1 | 0.0 % |" in table


def test_words_say_miss_and_false_alarm() -> None:
    text = words_text(RAW["words"])
    assert "89.0 % of hops right, 10.0 % of speech missed, 20.0 % of the rest" in text


def test_what_a_tenth_costs_and_the_correlation() -> None:
    assert margin(DELETIONS) == pytest.approx((20, 20, 20))  # 7 of 20 words, less 3 times 1
    assert ratio(DELETIONS) == pytest.approx((4, 4, 4))
    assert complexity(DELETIONS).value == pytest.approx(1)


def test_cpu_is_by_hop() -> None:
    assert cpu_p95(RAW["planted"]) == pytest.approx(0.219, abs=1e-3)


def test_the_report_has_every_chapter() -> None:
    text = report("dev", RAW)
    assert text.count("\n## ") == 8 and "+20.00 [+20.00, +20.00]" in text and "top tenth | 40.00" in text

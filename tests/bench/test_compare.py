import json
from typing import Any

import pandas as pd
import pytest

from bench.compare import BETTER, SAME, WORSE, compare
from bench.records.schema import Run
from bench.stats import mcnemar_exact
from tests.bench.factory import MACHINE, clips, heard, run, splits, timings

CLIPS = clips()
NAMES = list(CLIPS["clip"])
OTHER = {**MACHINE, "cpu": "Other CPU"}


def made(wrong: int = 5, latency: float = 0.01, seed: int = 0, **info: Any) -> Run:
    return run(heard(CLIPS, "z", wrong=NAMES[:wrong]), CLIPS, timings({"z": latency}, seed=seed), **info)


@pytest.mark.parametrize(
    ("before", "after", "verdict", "code"), [(5, 5, SAME, 0), (5, 7, SAME, 0), (5, 40, WORSE, 1), (40, 5, BETTER, 0)]
)
def test_accuracy_decides(before: int, after: int, verdict: str, code: int) -> None:
    found = compare(made(before), made(after))
    loso = found.accuracy[found.accuracy["split"] == "loso"].iloc[0]
    assert (loso["verdict"], found.exit_code) == (verdict, code)
    assert loso["difference"] == pytest.approx((before - after) / 90)
    assert loso["low"] <= loso["difference"] <= loso["high"]
    assert loso["p"] == mcnemar_exact(max(before - after, 0), max(after - before, 0)) <= loso["holm_p"]


@pytest.mark.parametrize(
    ("after", "verdict", "code"), [(0.0101, SAME, 0), (0.0104, SAME, 0), (0.013, WORSE, 1), (0.008, BETTER, 0)]
)
def test_latency_is_judged_beyond_the_margin_within_a_session(after: float, verdict: str, code: int) -> None:
    found = compare(made(), made(latency=after, seed=1))
    assert (found.latency["verdict"].item(), found.exit_code) == (verdict, code)
    assert found.latency["ratio"].item() == pytest.approx(after / 0.01, rel=0.03)


@pytest.mark.parametrize("machine", [OTHER, {**MACHINE, "boot_time": 9_000.0}, {**MACHINE, "boot_time": None}])
def test_latency_of_another_machine_or_session_is_only_judged_when_forced(machine: dict[str, Any]) -> None:
    slow = made(latency=0.05, machine=machine)
    found, forced = compare(made(), slow), compare(made(), slow, force=True)
    assert (found.exit_code, forced.exit_code) == (0, 1)
    assert "latency is not judged" in found.markdown()
    assert "forced" in forced.markdown()


def test_other_data_cannot_be_compared() -> None:
    other = made()
    other.info["corpus"] = {**other.info["corpus"], "sha256": "d" * 64}
    found = compare(made(), other)
    assert found.exit_code == 2
    assert "other data" in found.markdown() and "other data" in json.loads(found.json())["reason"]


def test_other_samples_or_labels_cannot_be_compared() -> None:
    table = CLIPS.assign(sha256=CLIPS["sha256"].str.replace("0", "f"))
    found = compare(made(), run(heard(table, "z"), table))
    assert (found.exit_code, "other clips" in found.reason) == (2, True)


def test_no_backend_in_common_cannot_be_compared() -> None:
    found = compare(made(), run(heard(CLIPS, "y")))
    assert (found.exit_code, "no backend in common" in found.reason) == (2, True)


def test_a_split_with_other_test_clips_is_left_out_and_named() -> None:
    parts = splits(CLIPS)
    turned = parts.assign(part=parts["part"].where(parts["split"] != "mixed", parts["part"].to_numpy()[::-1]))
    found = compare(made(), run(heard(CLIPS, "z", wrong=NAMES[:5]), CLIPS, ran=turned))
    assert set(found.accuracy["split"]) == {"loso", "official"}
    assert "mixed: the runs test other clips" in found.notes


def treated(wrong: int, seed: int = 0) -> Run:
    parts = [heard(CLIPS, "z"), heard(CLIPS, "z", wrong=NAMES[:wrong]).assign(condition="mulaw")]
    found = run(pd.concat(parts, ignore_index=True), CLIPS)
    found.info["config"] = {**found.info["config"], "seed": seed}
    return found


def test_conditions_are_compared_each_by_itself() -> None:
    found = compare(treated(5), treated(40))
    verdicts = found.accuracy.set_index(["split", "condition"])["verdict"]
    assert (verdicts["loso", "clean"], verdicts["loso", "mulaw"], found.exit_code) == (SAME, WORSE, 1)


def test_conditions_of_other_seeds_or_of_one_run_only_are_left_out_and_named() -> None:
    for other in (treated(40, seed=1), made()):
        found = compare(treated(5), other)
        assert set(found.accuracy["condition"]) == {"clean"}
        assert "condition mulaw is not in both runs, or not the same" in found.notes


def test_what_worked_and_now_fails_is_worse() -> None:
    failures = [{"backend": "z", "phase": "prepare", "reason": "no weights"}]
    found = compare(made(), run(heard(CLIPS.iloc[:0], "z"), CLIPS, failures=failures))
    assert found.exit_code == 1
    assert "z worked in A and failed in B" in found.markdown()


def test_a_backend_of_one_run_only_is_named_not_judged() -> None:
    both = run(pd.concat([heard(CLIPS, "z", wrong=NAMES[:5]), heard(CLIPS, "new", wrong=NAMES)]))
    found = compare(made(), both)
    assert set(found.accuracy["backend"]) == {"z"}
    assert (found.exit_code, "new is in one run only" in found.notes) == (0, True)


def test_json_says_what_markdown_says() -> None:
    found = compare(made(5), made(40))
    content = json.loads(found.json())
    assert (content["exit_code"], content["accuracy"][0]["verdict"]) == (1, WORSE)
    assert content["accuracy"][0]["difference"] == pytest.approx(-35 / 90)
    assert found.markdown().startswith("**B is worse.**")


def test_a_leak_check_that_newly_fails_is_worse() -> None:
    leak = {"backend": "z", "phase": "checks", "reason": "order: 3 of 12 clips heard otherwise in reverse order"}
    found = compare(made(), made(failures=[leak]))
    assert found.exit_code == 1
    assert "order: 3 of 12" in found.broken[0]
    assert compare(made(failures=[leak]), made()).exit_code == 0

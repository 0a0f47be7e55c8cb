import pandas as pd
import pytest

from bench.records.schema import Run
from bench.report.tables.outcomes import absence, failure, family, interval_method, outcomes, splits
from tests.bench.factory import clips, heard, official, run

CLIPS = clips()
SPLITS = ("official", "mixed", "loso")


def right(made: Run) -> dict[tuple[str, str], tuple[int, int]]:
    rows = outcomes(made).groupby(["backend", "split"])["errors"]
    return {key: (int((errors == 0).sum()), len(errors)) for key, errors in rows}  # type: ignore[misc]


def test_zero_shot_predictions_are_sliced_by_split() -> None:
    wrong = ["0_ann_0", "0_ann_5", "0_ann_7"]  # official test and mixed test; mixed test; neither
    found = right(run(heard(CLIPS, "z", wrong=wrong)))
    assert found == {("z", "official"): (17, 18), ("z", "mixed"): (16, 18), ("z", "loso"): (87, 90)}


def test_trained_predictions_stay_in_their_split() -> None:
    parts = [heard(CLIPS, "t", wrong=["0_ann_0"], of=["official"]), heard(CLIPS, "t", of=["loso"])]
    assert right(run(pd.concat(parts))) == {("t", "official"): (17, 18), ("t", "loso"): (90, 90)}


def test_no_digit_is_wrong() -> None:
    assert right(run(heard(CLIPS, "z", silent=["1_bob_9"])))["z", "loso"] == (89, 90)


def test_a_split_heard_in_part_has_no_figure_and_a_reason() -> None:
    made = run(heard(official(CLIPS), "z"), CLIPS)
    assert set(right(made)) == {("z", "official")}
    assert absence(made, "z", "loso") == "z heard 18 of the 90 test clips of loso: a figure needs them all"


def test_a_clip_recorded_twice_gives_no_figure() -> None:
    rows = heard(CLIPS, "z")
    made = run(pd.concat([rows, rows[rows["clip"] == "0_ann_3"]]), CLIPS)
    assert set(right(made)) == {("z", "official"), ("z", "mixed")}
    assert "twice" in absence(made, "z", "loso")


def test_only_clean_audio_counts() -> None:
    noisy = heard(CLIPS, "z", wrong=list(CLIPS["clip"])).assign(condition="noise:dishes@0dB")
    assert right(run(pd.concat([noisy, heard(CLIPS, "z")])))["z", "loso"] == (90, 90)


def test_splits_that_were_not_run_are_not_there() -> None:
    assert splits(run(heard(CLIPS, "z"), ran=["official", "mixed"])) == ["mixed", "official"]


@pytest.mark.parametrize(
    ("phase", "split", "reason"),
    [
        ("accuracy", "loso", "fold died"),
        ("accuracy", "mixed", None),
        ("latency", None, "hung"),
        ("throughput", None, None),
    ],
)
def test_a_failure_belongs_to_its_phase_and_split(phase: str, split: str | None, reason: str | None) -> None:
    cell = {
        "backend": "t",
        "condition": "clean",
        "split": "loso",
        "fold": "ann",
        "status": "failed",
        "reason": "fold died",
    }
    made = run(
        heard(CLIPS, "t", of=["official"]),
        cells=[cell],
        failures=[{"backend": "t", "phase": "latency", "reason": "hung"}],
    )
    assert failure(made, "t", phase, split) == reason
    assert failure(made, "other", phase, split) is None


@pytest.mark.parametrize(
    ("backend", "name"),
    [("faster-whisper:tiny.en", "faster-whisper"), ("mfcc-svm", "mfcc"), ("mfcc-rf", "mfcc"), ("pocketsphinx",) * 2],
)
def test_families(backend: str, name: str) -> None:
    assert family(backend) == name


def test_intervals_are_named_as_they_are_made() -> None:
    made = run(heard(CLIPS, "z"))
    assert [interval_method(made, split) for split in ("official", "loso")] == ["Wilson", "clustered by speaker"]
    assert interval_method(run(heard(CLIPS, "z"), ran=["cross"]), "cross") == "clustered by speaker"
    unknown = CLIPS.assign(speaker=None)
    assert interval_method(run(heard(unknown, "z"), unknown, ran=["cross"]), "cross") == "Wilson"

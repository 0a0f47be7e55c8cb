import dataclasses

import numpy as np
import pandas as pd
import pytest

from bench.records.schema import COLDSTART, RESOURCES, THROUGHPUT
from bench.report import build
from bench.stats import macro_f1, mcnemar_exact, share, wilson
from tests.bench.factory import LABELS, clips, heard, official, run, timings

CLIPS = clips()
NAMES = list(CLIPS["clip"])
SPLITS = ("official", "mixed", "loso")


def row(frame: pd.DataFrame, **keys: object) -> pd.Series:
    for key, value in keys.items():
        frame = frame[frame[key] == value]
    assert len(frame) == 1
    return frame.iloc[0]


def test_accuracy_is_wilson_where_voices_are_known_and_clustered_for_loso() -> None:
    wrong = [name for name in NAMES if "_ann_" in name][::2]
    made = run(heard(CLIPS, "z", wrong=wrong, silent=NAMES[40:43]))
    rows, scores = made.predictions, build(made).tables["accuracy"]
    tested = rows[rows["clip"].isin(official(CLIPS)["clip"])]
    right = int((tested["predicted"] == tested["reference"]).sum())
    found = row(scores, split="official")
    assert (found["right"], found["clips"]) == (right, 18)
    assert tuple(found[["accuracy", "accuracy_low", "accuracy_high"]]) == wilson(right, 18)
    found = row(scores, split="loso")
    expected = share(rows["errors"], rows["units"], rows["speaker"])
    assert tuple(found[["accuracy", "accuracy_low", "accuracy_high"]]) == expected
    f1 = macro_f1(rows["reference"], rows["predicted"], rows["speaker"])
    assert tuple(found[["macro_f1", "macro_f1_low", "macro_f1_high"]]) == f1
    assert found["no_digit"] == pytest.approx(3 / 90)


def test_pairs_are_over_the_same_clips_and_ranks_follow() -> None:
    rows = pd.concat([heard(CLIPS, "a", wrong=NAMES[:3]), heard(CLIPS, "b", wrong=NAMES[1:40])])
    rows = pd.concat([rows, heard(CLIPS, "c", wrong=NAMES[:2])])
    tables = build(run(rows)).tables
    pair = row(tables["pairs"], split="loso", a="a", b="b")
    assert (pair["a_only"], pair["b_only"], pair["clips"]) == (37, 1, 90)
    assert pair["p"] == mcnemar_exact(37, 1) < pair["holm_p"]
    loso = tables["accuracy"][tables["accuracy"]["split"] == "loso"]
    assert dict(zip(loso["backend"], loso["rank"], strict=True)) == {"c": 1, "a": 1, "b": 3}


def test_speakers_are_told_apart() -> None:
    speakers = build(run(heard(CLIPS, "z", wrong=[name for name in NAMES if "_bob_" in name][:6]))).tables["speakers"]
    assert dict(speakers.iloc[0][["ann", "bob", "cid"]]) == {"ann": 1, "bob": 0.8, "cid": 1}


def test_confusion_counts_every_clip_of_a_split_once() -> None:
    confusion = build(run(heard(CLIPS, "z", wrong=["0_ann_0"], silent=["2_cid_1"]))).tables["confusion"]
    own = confusion[confusion["split"] == "official"].set_index(["label", "predicted"])["clips"]
    assert own.to_dict() == {("0", "0"): 5, ("0", "1"): 1, ("1", "1"): 6, ("2", "2"): 5, ("2", ""): 1}


def test_wrong_texts_are_counted_and_right_ones_are_not() -> None:
    texts = build(run(heard(CLIPS, "z", wrong=NAMES[:2], silent=NAMES[40:45], texts=True))).tables["wrong_texts"]
    assert texts[["text", "predicted", "clips", "labels"]].to_numpy().tolist() == [
        ["Bye.", "", 5, "1 (5)"],
        ["1", "1", 2, "0 (2)"],
    ]


def test_engines_are_compared_on_the_clips_that_both_heard() -> None:
    some = official(CLIPS)
    parts = [
        heard(CLIPS, "one:tiny", texts=True),
        heard(some, "two:tiny", silent=["0_ann_0"], wrong=["0_ann_1"], texts=True),
        heard(CLIPS, "two:base", texts=True),
    ]
    agreement = build(run(pd.concat(parts), CLIPS)).tables["agreement"]
    found = row(agreement, a="one:tiny", b="two:tiny")
    assert len(agreement) == 1
    assert (found["clips"], found["same_label"], found["same_text"]) == (18, 16 / 18, 16 / 18)


def test_calibration_needs_scores_and_its_errors_probabilities() -> None:
    odd = heard(CLIPS, "odd", scores=True)
    odd["scores"] = [[2 * x for x in row] for row in odd["scores"]]
    made = run(pd.concat([heard(CLIPS, "sure", scores=True), heard(CLIPS, "mute"), odd]))
    calibration = build(made).tables["calibration"]
    assert set(calibration["backend"]) == {"sure", "odd"}
    sure, other = row(calibration, backend="sure", split="loso"), row(calibration, backend="odd", split="loso")
    assert (sure["brier"], sure["ece"], sure["macro_auc"]) == pytest.approx((0.1**2 + 2 * 0.05**2, 0.1, 1), rel=1e-5)
    assert np.isnan(other["brier"]) and np.isnan(other["ece"]) and other["macro_auc"] == 1


def test_scores_follow_the_order_of_the_vocabulary() -> None:
    rows = heard(CLIPS, "z", scores=True)
    rows["scores"] = [row[::-1] for row in rows["scores"]]
    made = run(rows, vocabulary={label: [label] for label in reversed(LABELS)})
    assert row(build(made).tables["calibration"], split="loso")["macro_auc"] == 1


def test_latency_leaves_warm_up_out_and_counts_resampling() -> None:
    made = run(heard(CLIPS, "z"), latency=timings({"z": 0.010}, calls=200, noise=0))
    found = row(build(made).tables["latency"], threads=2)
    assert found["calls"] == 200
    assert (found["p50_s"], found["p95_s"]) == pytest.approx((0.010, 0.010))
    assert np.isnan(found["p99_s"])
    assert (found["rtf"], found["rtf_mean_of_clips"]) == pytest.approx((0.02, 0.02))
    assert (found["resample_s"], found["features_s"], found["model_s"]) == pytest.approx((0.001, 0.003, 0.006))


def test_rtf_counts_the_time_of_every_clip_whose_audio_it_counts() -> None:
    calls = timings({"z": 0.1}, calls=10, threads=(2,), noise=0)
    calls.loc[calls["round"] == 0, "audio_s"] = np.arange(1, 11)
    found = row(build(run(heard(CLIPS, "z"), latency=calls)).tables["latency"])
    assert found["rtf"] == pytest.approx(10 * 0.1 / 55)
    assert found["rtf_mean_of_clips"] == pytest.approx(np.mean(0.1 / np.arange(1, 11)))


def test_latency_ratios_pair_calls_of_a_round_and_clip() -> None:
    calls = timings({"slow": 0.02, "fast": 0.01}, noise=0)
    drift = np.exp(np.where(calls["round"] > 10, 0.7, 0))
    for column in ("resample_s", "predict_s"):
        calls[column] *= drift
    shuffled = calls.sample(frac=1, random_state=0)
    for frame in (calls, shuffled):
        made = run(heard(CLIPS, "slow"), latency=frame)
        found = row(build(made).tables["latency_ratios"], threads=2)
        assert (found["a"], found["b"], found["calls"]) == ("slow", "fast", 200)
        assert (found["ratio"], found["ratio_low"], found["ratio_high"]) == pytest.approx((2, 2, 2))


def test_cold_start_is_the_median_process() -> None:
    rows = [("z", 2, i, 0.1, 1.0, 2.0, first) for i, first in enumerate([0.5, 0.7, 9.0])]
    made = dataclasses.replace(run(heard(CLIPS, "z")), coldstart=pd.DataFrame(rows, columns=COLDSTART.names))
    found = row(build(made).tables["coldstart"])
    assert (found["processes"], found["first_s"], found["cold_s"]) == (3, 0.7, pytest.approx(3.7))


def test_throughput_is_that_of_the_best_batch() -> None:
    rows = [("z", 2, 1, 10, 5.0, 1.0), ("z", 2, 4, 40, 20.0, 1.0), ("z", 2, 8, 40, 20.0, 1.25)]
    made = dataclasses.replace(run(heard(CLIPS, "z")), throughput=pd.DataFrame(rows, columns=THROUGHPUT.names))
    found = row(build(made).tables["throughput"])
    assert (found["batch"], found["clips_per_s"], found["times_single"], found["rtf"]) == (4, 40, 4, 0.05)


def test_memory_is_at_the_largest_thread_count_and_above_idle() -> None:
    rows = [("z", 1, 0, 900, 100), ("z", 2, 0, 700, 200), ("z", 2, 1, 690, 220)]
    made = dataclasses.replace(run(heard(CLIPS, "z")), resources=pd.DataFrame(rows, columns=RESOURCES.names))
    found = row(build(made).tables["resources"])
    assert (found["peak_rss_bytes"], found["above_idle_bytes"], found["model_bytes"]) == (700, 500, 2_000_000)


def test_every_table_names_its_corpus() -> None:
    tables = build(run(heard(CLIPS, "z", texts=True), latency=timings({"z": 0.01}))).tables
    assert all(frame.columns[0] == "corpus" and set(frame["corpus"]) <= {"toy"} for frame in tables.values())

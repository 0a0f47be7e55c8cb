from __future__ import annotations

import pandas as pd
import pytest

from bench.loading.claims import claims, costs, pipeline
from bench.loading.tables import compared
from tests.bench.loading import made


def emotion() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Ten files; plain takes 1 s for the longest and 9 s, of which 0.9 is reading; exact takes 2 s."""
    rounds = pd.DataFrame(
        [
            {"round": 0, "way": "plain", "workers": 1, "files": 10, "start_s": 2, "longest_s": 1.0, "features_s": 9.0},
            {"round": 0, "way": "exact", "workers": 1, "files": 10, "start_s": 2, "longest_s": 0.0, "features_s": 2.0},
        ]
    )
    stages = pd.DataFrame({"stage": ["pass for the longest file", "reading", "rest"], "plain": [1.0, 0.9, 8.1]})
    return rounds, stages


def test_the_pipeline_is_told_with_its_ceiling() -> None:
    found = pipeline(*emotion())
    assert found.loading == pytest.approx(0.1)
    assert found.times[("exact", 1)] == pytest.approx(5.0)
    assert found.file_s[("plain", 1)] == pytest.approx(1.0)


def test_each_claim_has_its_figure() -> None:
    run = made.run()
    told = dict(claims(compared(run.samples), run.agreement, 5.0, pipeline(*emotion())))
    assert "1.80 s for the first file" in told["librosa.load takes 6 s a file"]
    assert "18.0 ms for each further WAV16 of 5 s" in told["librosa.load takes 6 s a file"]
    assert "at most 1.11 times by loading alone" in told["one changed import makes the pipeline 200 times faster"]
    assert told["loading is what makes audio pipelines slow"].startswith("10.0 %")
    assert told["the samples are bit-perfect"].startswith("equal to librosa in 8 of 9 cases; not: Opus whole")
    assert "M4A cannot be compared" in told["the samples are bit-perfect"]


def test_without_the_comparison_of_the_pipeline_it_is_said_to_be_missing() -> None:
    run = made.run()
    told = dict(claims(compared(run.samples), run.agreement, 5.0, None))
    assert told["loading is what makes audio pipelines slow"].startswith("not measured")


@pytest.mark.parametrize(("files", "dollars"), [(5000, 2.5), (1, 0.0), (120_000, 4.0)])
def test_hours_and_dollars_follow_files_and_price(files: int, dollars: float) -> None:
    bill = costs(compared(made.run().samples), 5.0, files, dollars, pipeline(*emotion())).set_index("way")
    told = bill.loc["as told, 6 s a file"]
    assert (told["hours"], told["dollars"]) == pytest.approx((6 * files / 3600, 6 * files / 3600 * dollars))
    once = bill.loc["librosa, WAV16 of 5 s, one process"]
    assert once["seconds"] == pytest.approx(1.8 + 0.018 * (files - 1))
    each = bill.loc["librosa, WAV16 of 5 s, a new process each"]
    assert each["seconds"] == pytest.approx(1.8 * files)
    assert bill.loc["audiodecode.load_many, MP3s of speech", "seconds"] == pytest.approx(0.2 * files)
    assert bill.loc["emotion features, plain, 1 process", "seconds"] == pytest.approx(2 + files)

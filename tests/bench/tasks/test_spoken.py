"""Tables of a run whose every word is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.records.schema import PREDICTIONS, Run
from bench.report import build
from bench.report.build import tables
from bench.report.html.page import page
from bench.report.plots import draw
from bench.tasks import spoken
from bench.tasks.spoken import aligned_text
from tests.bench import factory

SAID = {"a/1": "the cat sat on the mat", "a/2": "two dogs", "b/3": "it is late", "b/4": "yes"}
HEARD: dict[str, dict[str, str | None]] = {
    "good": {"a/1": "The cat sat on the mat.", "a/2": "Two dogs!", "b/3": "It's late", "b/4": "Yes."},
    "poor": {"a/1": "the hat sat the mat", "a/2": "two big dogs", "b/3": None, "b/4": "yes yes yes yes"},
}
FACTS = {"encoder_tokens": 1500.0, "clip_tokens": 100.0, "decoder_tokens": 8.0, "avg_logprob": -0.5}


@pytest.fixture(scope="module")
def made() -> tuple[Run, dict[str, pd.DataFrame]]:
    clips = pd.DataFrame(
        {
            "clip": list(SAID), "path": [f"{clip}.wav" for clip in SAID], "reference": list(SAID.values()),
            "speaker": ["x", "y", None, None], "sample_rate": 16_000, "samples": 32_000,
            "sha256": list("0123"), "sex": ["F", "M", None, None], "part": "test",
            "content": [{"speech_s": 1.0 + i, "pauses_s": 0.5, "snr_db": 10.0 * i} for i in range(4)],
        }
    )  # fmt: skip
    rows = [
        dict.fromkeys(PREDICTIONS.names) | {
            "backend": backend, "condition": "clean", "clip": clip, "text": text,
            "facts": FACTS if backend == "good" else None, "resample_s": 0.001, "predict_s": 0.1,
        }
        for backend, texts in HEARD.items()
        for clip, text in texts.items()
    ]  # fmt: skip
    part = {"source": "", "clips": 2, "speakers": 2, "audio_s": 4.0, "sha256": "", "sample_rates": [16_000]}
    corpus = {
        "name": "a+b", "source": "", "clips": 4, "speakers": 2, "audio_s": 8.0, "sha256": "", "labels": [],
        "parts": {"a": {"name": "a", **part}, "b": {"name": "b", **part}},
    }  # fmt: skip
    run = factory.run(
        pd.DataFrame(rows, columns=PREDICTIONS.names),
        clips,
        factory.timings({"good": 0.2, "poor": 0.1}),
        ran=pd.DataFrame({"split": "all", "fold": "test", "clip": list(SAID), "part": "test"}),
        config={"seed": 0, "task": "transcription", "splits": ["all"], "threads": [1, 2]},
        corpus=corpus,
        vocabulary={},
    )
    return run, dict(run.task.tables(run, run.predictions))


def test_edits_by_clip(made: tuple[Run, dict[str, pd.DataFrame]]) -> None:
    clips = made[1]["clips"].set_index(["backend", "clip"])
    assert set(clips.xs("good")["errors"]) == {0}
    edits = clips.xs("poor")[list(spoken.EDITS)].to_numpy().tolist()
    assert edits == [[1, 1, 0], [0, 0, 1], [0, 3, 0], [0, 0, 3]]


def test_rates_by_corpus_and_pooled(made: tuple[Run, dict[str, pd.DataFrame]]) -> None:
    rates = made[1]["corpora"].set_index(["within", "backend"])
    assert rates.loc[("a", "poor"), "wer"] == pytest.approx(3 / 8)
    assert rates.loc[("b", "poor"), "wer"] == pytest.approx(6 / 4)  # more errors than words
    assert rates.loc[("pooled", "poor"), "wer"] == pytest.approx(9 / 12)
    assert set(rates.xs("good", level="backend")["wer"]) == {0}
    assert (rates["wer_low"] <= rates["wer"]).all() and (rates["wer"] <= rates["wer_high"]).all()


def test_rates_by_sex_and_speaker_where_they_are_known(made: tuple[Run, dict[str, pd.DataFrame]]) -> None:
    by_sex = made[1]["wer_by_sex"].set_index(["sex", "backend"])["wer"]
    assert by_sex["F", "poor"] == pytest.approx(2 / 6) and by_sex["M", "poor"] == pytest.approx(1 / 2)
    assert set(made[1]["wer_by_speaker"]["speaker"]) == {"x", "y"}


def test_rates_by_content(made: tuple[Run, dict[str, pd.DataFrame]]) -> None:
    table = made[1]["wer_by_content"]
    assert set(table["content"]) == set(spoken.CONTENT)
    assert (table.groupby(["content", "backend"])["clips"].sum() == 4).all()


def test_work_is_of_the_audio_heard(made: tuple[Run, dict[str, pd.DataFrame]]) -> None:
    work = made[1]["work"].set_index("backend")
    assert work.loc["good", "encoder_tokens_per_s"] == 1500 / 2 and work.loc["good", "clip_tokens_per_s"] == 50
    assert work.loc["good", "avg_logprob"] == -0.5 and pd.isna(work["encoder_tokens_per_s"]["poor"])


def test_commonest_wrong_words(made: tuple[Run, dict[str, pd.DataFrame]]) -> None:
    wrong = made[1]["substitutions"].set_index(["said", "heard"])
    assert set(wrong["backend"]) == {"poor"} and wrong.loc[("", "yes"), "times"] == 3
    assert wrong.loc[("cat", "hat"), "times"] == 1 and wrong.loc[("on", ""), "times"] == 1


def test_alignments_are_readable(made: tuple[Run, dict[str, pd.DataFrame]]) -> None:
    worst = made[1]["alignments"].set_index("clip")["aligned"]
    assert worst["a/1"] == "the [cat → hat] sat [on → ·] the mat"
    assert worst["b/4"] in ("yes [· → yes yes yes]", "[· → yes yes yes] yes")
    assert aligned_text("same", "same") == "same"


def test_the_report_has_all_chapters(made: tuple[Run, dict[str, pd.DataFrame]]) -> None:
    text = build(made[0]).markdown
    for title in ("By corpus", "Work", "Worst clips, word by word", "Commonest wrong words", "By sex", "By content"):
        assert f"\n## {title}\n" in text
    assert "transcribers compared" in text and "75.0" in text and "150.0" in text


def test_plots_and_page_show_word_errors_and_not_accuracy(made: tuple[Run, dict[str, pd.DataFrame]]) -> None:
    run, _ = made
    frames = tables(run)
    plot, *_ = plots = draw(run, frames)
    axes = plot.figure.axes[0]
    assert plot.title == axes.get_title("left") == "WER against latency"
    assert axes.get_ylabel().startswith("WER on unseen speakers (all), %")
    lines = [np.asarray(line.get_data(), float).ravel() for line in axes.lines]
    points = {round(float(x), -1): round(float(y)) for x, y in (line for line in lines if line.size == 2)}
    assert points == {200: 0, 100: 75}  # markers come after the ends of their intervals
    assert "(poor, good). Down and left is better." in plot.caption
    whole = page(run, frames, plots)
    assert "<code>all</code> tests unseen speakers." in whole and "loso" not in whole.partition("Plots</h2>")[0]

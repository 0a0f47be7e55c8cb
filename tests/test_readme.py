"""What README and docs say of the reference runs is what these say, and they are whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench.loading.embed import PARTS
from bench.loading.plots import drawn
from bench.loading.report import emotion_of, markdown, with_ratios
from bench.loading.runs import Asked, read
from bench.loading.tables import compared
from bench.marks import open_run
from bench.report.build import brief_markdown, robustness_markdown, tables
from bench.report.embed import embedded
from bench.verify import verify
from bench.workers.parent import ROOT

README = (ROOT / "README.md").read_text()
REFERENCE, ROBUSTNESS = (ROOT / "results" / name for name in ("fsdd", "robustness"))
LOADERS = ROOT / "results" / "loaders"
CORPORA = ("librispeech", "common_voice")
RUNS = (REFERENCE, ROBUSTNESS, *(ROOT / "results" / corpus for corpus in CORPORA))


def test_the_summary_is_the_reference_run() -> None:
    assert embedded(README, brief_markdown(open_run(REFERENCE)), "brief") == README


def test_it_is_read_in_three_minutes() -> None:
    code_and_tables = r"```.*?```|^\|.*?$"
    assert len(re.sub(code_and_tables, "", README, flags=re.DOTALL | re.MULTILINE).split()) < 600
    (table,) = re.findall(r"<!-- brief: begin -->\n(.*)", README)
    assert table.count("|") == 7


def test_the_three_lines_follow_from_the_reference_run() -> None:
    made = tables(open_run(REFERENCE))
    summary = made["summary"].set_index("backend")
    ratios = made["latency_ratios"].query("threads == 2").set_index(["a", "b"])[["ratio", "ratio_low", "ratio_high"]]
    times, low, high = dict(ratios.iterrows())["faster-whisper:tiny.en", "whisper-closed:tiny.en"]
    loso = (100 * summary["loso_accuracy"]).map("{:.1f}".format)
    known = (100 * summary["official_accuracy"]).map("{:.1f}".format)["mfcc-svm"]
    ms = (1e3 * summary["p50_s"]).map("{:.1f} ms".format)
    probe, closed, lite, stock = (
        "whisper-probe:tiny.en",
        "whisper-closed:tiny.en",
        "mfcc-lite",
        "faster-whisper:tiny.en",
    )
    said = " ".join(README.split())
    for line in (
        f"`{probe}`: {loso[probe]} % on new speakers at {ms[probe]} per clip.",
        f"`{closed}`: {loso[closed]} %, {times:.1f} times ({low:.1f}-{high:.1f}) as fast as stock Whisper, which hears"
        f" {loso[stock]} %.",
        f"{ms[lite]} are all there is, `{lite}`: {loso[lite]} %; the usual MFCC and SVM falls from {known} to"
        f" {loso['mfcc-svm']} %.",
    ):
        assert line in said


def test_the_line_on_words_follows_from_the_run_on_librispeech() -> None:
    summary = tables(open_run(ROOT / "results" / "librispeech"))["summary"].set_index("backend")
    wer = (100 * (1 - summary["all_accuracy"])).map("{:.1f} %".format)
    ms = (1e3 * summary["p50_s"]).map("{:.0f} ms".format)
    short, stock = "whisper-short:tiny.en", "faster-whisper:tiny.en"
    said = " ".join(README.split())
    assert f"on LibriSpeech {wer[short]} word errors at {ms[short]} per clip" in said
    assert f"stock Whisper {wer[stock]} at {ms[stock]}." in said


def test_what_noise_does_is_said_by_the_robustness_run() -> None:
    page = (ROOT / "docs" / "robustness.md").read_text()
    assert embedded(page, robustness_markdown(open_run(ROBUSTNESS)), "robustness") == page


@pytest.mark.parametrize("corpus", CORPORA)
def test_words_are_those_of_the_runs_of_their_corpora(corpus: str) -> None:
    page = (ROOT / "docs" / "transcription.md").read_text()
    assert embedded(page, brief_markdown(open_run(ROOT / "results" / corpus)), corpus) == page


def test_loading_is_what_the_run_of_loaders_says() -> None:
    run, emotion, asked = read(LOADERS), emotion_of(LOADERS / "emotion"), Asked()
    figures = with_ratios(compared(run.samples))
    report = markdown(run, figures, drawn(figures), asked.files, asked.dollars, emotion)
    assert report == (LOADERS / "report.md").read_text()
    page = (ROOT / "docs" / "loading.md").read_text()
    for text, parts in ((README, ("loading",)), (page, ("claims", "bill"))):
        for part in parts:
            assert embedded(text, PARTS[part](run, figures, emotion), part) == text


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_the_reference_runs_are_what_they_say(folder: Path) -> None:
    assert verify(folder) == []


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.name)
def test_the_reference_runs_had_the_packages_that_set_up_gives(folder: Path) -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    had = json.loads((folder / "run.json").read_text())["packages"]
    for tool in ("digitbench", "pip", "setuptools"):
        had.pop(tool, None)
    assert {name: version.partition("+")[0] for name, version in had.items()} == {name: pins.get(name) for name in had}

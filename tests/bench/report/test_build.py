import dataclasses
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bench.errors import BenchError
from bench.marks import open_run
from bench.records.schema import Run
from bench.report import build, files, summary_markdown, write
from bench.report.text.markdown import ABSENT
from tests.bench.factory import MACHINE, clips, heard, official, run, save, timings

CLIPS = clips()
NAMES = list(CLIPS["clip"])
SPLITS = ("official", "mixed", "loso")


def everything(**info: Any) -> Run:
    some = official(CLIPS)
    parts = [
        heard(CLIPS, "mfcc-svm", wrong=NAMES[::9], of=SPLITS, scores=True),
        heard(CLIPS, "mfcc-rf", wrong=NAMES[::4], of=SPLITS, scores=True),
        heard(CLIPS, "chance", wrong=NAMES[:70], of=SPLITS),
        heard(CLIPS, "faster-whisper:tiny", wrong=NAMES[5:20], silent=NAMES[30:40], texts=True),
        heard(some, "openai-whisper:tiny", silent=NAMES[30:40], texts=True),
    ]
    latency = timings({"mfcc-svm": 0.0006, "mfcc-rf": 0.0009, "chance": 1e-6, "faster-whisper:tiny": 0.2}, calls=140)
    failures = [{"backend": "broken", "phase": "prepare", "reason": "no weights | here"}]
    return run(pd.concat(parts, ignore_index=True), CLIPS, latency, **{"failures": failures, **info})


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def summary(made: Run) -> dict[str, dict[str, str]]:
    lines = [line for line in summary_markdown(made).splitlines() if line.startswith("|")]
    header = cells(lines[0])
    return {cells(line)[0]: dict(zip(header[1:], cells(line)[1:], strict=True)) for line in lines[2:]}


def test_summary_has_a_row_per_backend_best_first_and_the_floor_last() -> None:
    assert list(summary(everything())) == [
        "mfcc-svm",
        "mfcc-rf",
        "faster-whisper:tiny",
        "openai-whisper:tiny",
        "broken",
        "chance",
    ]


def test_summary_headers_have_unit_and_direction() -> None:
    assert list(next(iter(summary(everything()).values()))) == [
        "loso accuracy, % (95 % interval), n = 90 ↑",
        "mixed accuracy, % (95 % interval), n = 18 ↑",
        "official accuracy, % (95 % interval), n = 18 ↑",
        "macro-F1, % (loso) ↑",
        "no digit, % (loso) ↓",
        "ms per clip, p50 ↓",
        "ms per clip, p95 ↓",
        "cold start, s ↓",
        "RTF ↓",
        "peak RSS, MB ↓",
        "above idle, MB ↓",
        "model, MB ↓",
    ]


def test_summary_shows_the_known_figures() -> None:
    found = summary(everything())["mfcc-svm"]
    assert found["loso accuracy, % (95 % interval), n = 90 ↑"].startswith("**88.9** (")
    assert float(found["ms per clip, p50 ↓"].strip("*")) == pytest.approx(0.6, abs=0.02)
    assert float(found["RTF ↓"].strip("*")) == pytest.approx(0.0012, abs=1e-4)
    assert (found["cold start, s ↓"], found["model, MB ↓"]) == ("**1.20**", "**2.00**")


def test_the_floor_is_never_bold() -> None:
    assert not any("**" in cell for cell in summary(everything())["chance"].values())


def test_a_failed_backend_keeps_its_row_and_says_why() -> None:
    row = list(summary(everything())["broken"].values())
    assert row[0] == r"failed: no weights \| here"
    assert set(row[1:]) == {"failed"}
    assert "no weights" in build(everything()).markdown.partition("## Failures")[2]


def test_what_was_not_run_has_a_footnote() -> None:
    made = everything()
    assert summary(made)["openai-whisper:tiny"]["loso accuracy, % (95 % interval), n = 90 ↑"] == f"{ABSENT} (1)"
    assert "(1) openai-whisper:tiny heard 18 of the 90 test clips of loso" in summary_markdown(made)


def test_too_few_calls_for_a_p95_are_told() -> None:
    made = run(heard(CLIPS, "z"), latency=timings({"z": 0.01}, calls=129))
    assert summary(made)["z"]["ms per clip, p95 ↓"] == f"{ABSENT} (1)"
    assert "needs 130 timed calls, 129 were made" in summary_markdown(made)
    assert "needs 662 calls, has 129" in build(made).markdown


@pytest.mark.parametrize(
    ("info", "text"),
    [
        ({"notice": "synthetic voices"}, "synthetic voices"),
        ({"testing_only": True}, "For testing only"),
        ({"machine": {**MACHINE, "busy": True, "others_share": 0.62}}, "busy: others took 62.0 %"),
        ({"git": {"commit": "abc", "dirty": True}}, "differed from its commit"),
    ],
)
def test_banners_are_shown_when_due(info: dict[str, Any], text: str) -> None:
    top = build(everything(**info)).markdown.partition("## Summary")[0]
    assert re.search(rf"^> \*\*.*{re.escape(text)}", top, re.MULTILINE)
    assert "> **" not in build(everything()).markdown


def test_every_table_says_that_it_is_for_testing_only_and_on_which_corpus() -> None:
    text = build(everything(testing_only=True)).markdown
    headers = [above for above, line in pairwise(text.splitlines()) if line.startswith("|:-")]
    about_figures = [line for line in headers if line != "| what | value |"]
    assert len(about_figures) > 15
    assert all("(toy, for testing only)" in line for line in about_figures)


def test_neighbours_are_told_apart_in_words() -> None:
    text = build(everything()).markdown
    assert "- mfcc-svm (88.9 %) is better than mfcc-rf (74.4 %)" in text
    assert "- mfcc-rf (74.4 %) and faster-whisper:tiny (72.2 %): no difference shown" in text
    assert "- mfcc-svm is faster than mfcc-rf; mfcc-rf takes 1.5" in text


def test_sections_come_in_order() -> None:
    headings = re.findall(r"^## (.*)", build(everything()).markdown, re.MULTILINE)
    assert headings == [
        "Summary",
        "Which one?",
        "Which differences are real",
        "Latency",
        "Cold start",
        "Throughput",
        "Memory and size",
        "By speaker",
        "Confusions of the best of each family",
        "Commonest wrong texts",
        "Engines on the same weights",
        "Can the scores be trusted",
        "Failures",
        "What it was run on",
    ]


def test_confusions_are_of_the_best_of_each_family_but_not_of_the_floor() -> None:
    part = build(everything()).markdown.partition("## Confusions")[2].partition("\n## ")[0]
    assert re.findall(r"^### (.*):", part, re.MULTILINE) == [
        "mfcc-svm, loso",
        "faster-whisper:tiny, loso",
        "openai-whisper:tiny, official",
    ]


def test_rejected_clips_leak_checks_and_impossible_splits_are_listed() -> None:
    corpus = everything().info["corpus"] | {
        "rejected": [{"path": "bad|.wav", "reason": "empty"}],
        "left_out": [{"files": 1664, "what": "files labelled 'bed', outside the vocabulary"}],
        "impossible_splits": {"loso": "one speaker"},
    }
    checks = [{"backend": "mfcc-svm", "check": "order", "passed": False, "detail": "3 of 12 clips"}]
    text = build(everything(corpus=corpus, checks=checks)).markdown
    assert "## Rejected clips (1)" in text and "`bad¦.wav`" in text
    assert "## Left out: files (1,664)" in text and "1,664 | files labelled 'bed', outside" in text
    assert "No loso: one speaker." in text
    assert "**no**" in text.partition("## Does a backend learn")[2].partition("\n## ")[0]


def test_a_run_without_any_figure_still_has_a_report() -> None:
    failures = [{"backend": "broken", "phase": "prepare", "reason": "no"}]
    text = build(run(heard(CLIPS.iloc[:0], "z"), CLIPS, failures=failures)).markdown
    assert "failed: no" in text and "## Latency" not in text


def test_a_corpus_without_speakers_or_official_split_has_a_report() -> None:
    table = CLIPS.assign(speaker=None)
    found = summary(run(heard(table, "z"), table, ran=["mixed"]))
    assert [header for header in found["z"] if "accuracy" in header] == ["mixed accuracy, % (95 % interval), n = 18 ↑"]


def test_the_same_records_give_the_same_bytes_in_any_order_and_from_disk(tmp_path: Path) -> None:
    made = everything()
    again = open_run(save(made, tmp_path / "run"))
    shuffled = dataclasses.replace(made, predictions=made.predictions.sample(frac=1, random_state=0))
    assert files(build(made)) == files(build(shuffled)) == files(build(again))


def test_write_leaves_whole_files_only(tmp_path: Path) -> None:
    report = build(everything())
    write(report, tmp_path)
    found = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == files(report)
    loaded = pd.read_csv(tmp_path / "tables" / "summary.csv")
    assert loaded.loc[0, "loso_accuracy"] == pytest.approx(80 / 90)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BenchError, match=r"report\.md: cannot be written"):
        write(build(everything()), tmp_path)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "tables").write_text("")
    with pytest.raises(BenchError, match=r"summary\.csv: cannot be written"):
        write(build(everything()), tmp_path)


def test_the_summary_says_who_was_given_fewer_threads() -> None:
    made = everything()
    assert "Given fewer threads" not in build(made).markdown
    made.info["backends"][0]["settings"] = {"most_threads": 1}
    name = made.info["backends"][0]["name"]
    assert f"Given fewer threads, being quicker so: {name} on 1." in build(made).markdown

"""What two rules from text to label disagree about, on texts whose answers are known."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.config import DIGITS
from bench.report.embed import embedded
from benchmarks.labels import Change, change, changes, first, table

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "label"),
    [("Thanks for watching.", "4"), ("five, six", "5"), ("42", "4"), ("3.5", "3"), ("7th", None), ("Bye.", None)],
)
def test_the_first_word_wins(text: str, label: str | None) -> None:
    assert first(text, DIGITS) == label


def test_a_change_counts_what_differs_and_what_was_right() -> None:
    texts = [
        ("4", "Four."),
        ("4", "Thanks for watching."),
        ("7", "11"),
        ("1", "for you"),
        ("5", "Bye."),
        ("6", "No. 6"),
    ]
    assert change(texts, DIGITS) == Change(texts=6, differ=3, first_labels=3, first_right=1, labels=0, right=0)


def test_the_table_ends_with_the_sums() -> None:
    rows = [("a", "whisper", Change(3_000, 9, 8, 2, 1, 1)), ("b", "whisper", Change(10, 1, 1, 1, 0, 0))]
    lines = table(rows).splitlines()
    assert lines[2] == "| a | `whisper` | 3,000 | 9 | 8 | 2 | 1 | 1 |"
    assert lines[-1].startswith(
        "Where they differ, the first word is an answer 9 times, 3 of them right; the rule gives 1,"
    )


def test_the_page_says_what_the_committed_runs_say() -> None:
    page = (ROOT / "docs/text-to-label.md").read_text()
    runs = [ROOT / "results" / name for name in ("fsdd", "robustness")]
    rows = [(run.name, backend, it) for run in runs for backend, it in changes(run)]
    assert embedded(page, table(rows), "labels") == page, "`make reference` fills the page"


def test_a_folder_without_a_run_is_said(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.labels", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert ended.returncode == 1
    assert "is not a run" in ended.stderr and "Traceback" not in ended.stderr

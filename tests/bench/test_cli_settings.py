"""Settings and misspellings, through the command line."""

from __future__ import annotations

import csv
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from backends.whisper import weights
from tests.bench.test_cli import digitbench

FEW = ("--latency-clips", 0, "--throughput-s", 0, "--processes", 1, "--threads", 1, "--no-checks")
BRIEF = (*FEW, "--splits", "official")


@pytest.fixture(scope="module")
def two_labels(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The labels 0 and 1 of the tiny corpus."""
    folder = tmp_path_factory.mktemp("two")
    with (tiny_corpus / "clips.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    kept = [row for row in rows if row[1] != "2"]
    with (folder / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *kept])
    for path, *_ in kept:
        shutil.copy(tiny_corpus / path, folder / path)
    return folder


def backends_with_weights() -> str:
    found = any(place.files for place in weights.locations("tiny.en"))
    return "chance,whisper-closed:tiny.en" if found else "chance"


@pytest.mark.parametrize("how", ["--set", "lines", "--config"])
def test_a_vocabulary_of_two_labels_is_a_run_of_two_labels(how: str, two_labels: Path, tmp_path: Path) -> None:
    given = {
        "--set": ("--set", "vocabulary = {0 = ['zero', 'oh'], 1 = ['one']}"),
        "lines": ("--set", "vocabulary.0 = ['zero', 'oh']", "--set", "vocabulary.1 = ['one']"),
        "--config": ("--config", tmp_path / "two.toml"),
    }[how]
    (tmp_path / "two.toml").write_text("[vocabulary]\n0 = ['zero', 'oh']\n1 = ['one']\n")
    out = tmp_path / "run"
    names = backends_with_weights() if how == "--set" else "chance"
    done = digitbench(
        "run", "--corpus", f"folder:{two_labels}", "--out", out, "--backends", names, *BRIEF, *given, "--jobs", 1
    )
    assert done.returncode == 0, done.stderr
    vocabulary = {"0": ["zero", "oh"], "1": ["one"]}
    assert json.loads((out / "run.json").read_text())["vocabulary"] == vocabulary
    rows = [row for path in out.glob("records/predictions/*") for row in pq.read_table(path).to_pylist()]
    assert {row["backend"] for row in rows} == set(names.split(","))
    assert {row["label"] for row in rows} <= {"0", "1"}
    assert {len(row["scores"]) for row in rows} == {2}
    assert next(row["scores"] for row in rows if row["backend"] == "chance") == [0.5, 0.5]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--set", "vocabulary = {}"), "--set vocabulary = {}: at least two labels"),
        (("--set", "vocabulary = []"), "--set vocabulary = []: a table is wanted"),
        (("--set", "vocabulary = {a = ['yes'], b = ['Yes.']}"), "'yes' is a spelling of 'a' and of 'b'"),
        (("--set", "seed = 1", "--set", "seed = 2"), "seed is set twice"),
        (("--set", "backends = ['chance']", "--backends", "chance"), "--set backends and --backends say the same"),
        (("--set", "backend = {}"), "a table of tables is wanted"),
        (("--set", ""), "it says nothing; KEY = VALUE is wanted"),
        (("--backends", ""), "--backends : it is empty"),
        (("--splits", ","), "--splits : it is empty"),
        (("--conditions", ""), "--conditions : it is empty"),
        (("--corpus", ""), "--corpus '': a string that is not empty"),
        (("--train", "", "--test", ""), "a string that is not empty"),
        (("--data", ""), "a path is wanted"),
        (("--out", ""), "a path is wanted"),
        (("--threads", "1,1"), "it has 1 twice"),
        (("--threads", "0"), "a list of whole numbers from 1"),
        (("--threads", "-1"), "a list of whole numbers from 1"),
        (("--threads", "1.5"), "whole numbers are wanted, such as 1,4"),
        (("--threads", ""), "whole numbers are wanted, such as 1,4"),
        (("--seed", str(2**40)), "to 4294967295 is wanted"),
        (("--limit", "0"), "--limit 0: a whole number from 1"),
        (("--jobs", "-1"), "--jobs -1: a whole number from 0"),
        (("--throughput-s", "nan"), "--throughput-s nan: a number from 0"),
        (("--set", "backend.chance.x = nan"), "strings, finite numbers"),
    ],
)
def test_settings_at_odds_are_named_before_a_clip_is_read(arguments: tuple[str, ...], message: str) -> None:
    done = digitbench("run", *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "reading clips" not in done.stderr


def test_names_are_checked_before_a_clip_is_read(two_labels: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text("class Own: ...\n")
    (tmp_path / "file").touch()
    for arguments, message in (
        (("--backends", "chance,mfcc-smv"), "no backend named 'mfcc-smv'; did you mean mfcc-svm"),
        (("--backends", own), f"backend {own}: a class is wanted; say which: {own}:Own"),
        (("--backends", f"{own}:Own"), "is not a class derived from"),
        (("--backends", "mfcc-svm", "--set", "backend.mfcc-svm.scalar = true"), "has no option 'scalar'"),
        (("--backends", "chance", "--set", "backend.faster-whisper.beam = 5"), "has no option 'beam'"),
        (("--backends", "chance", "--conditions", "noise:dishs@10dB"), "no noise 'dishs'"),
        (("--backends", "chance", "--threads", "999"), "threads 999: more than the"),
        (("--backends", "chance", "--out", tmp_path / "file"), "is not a folder"),
    ):
        done = digitbench("run", "--corpus", f"folder:{two_labels}", *arguments)
        assert done.returncode == 2
        assert message in " ".join(done.stderr.split())
        assert "reading clips" not in done.stderr


def test_a_fit_that_lasts_is_told(two_labels: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(SLOW)
    words = ("--set", "vocabulary = {0 = ['zero'], 1 = ['one']}")
    done = digitbench(
        *("run", "--corpus", f"folder:{two_labels}", "--out", tmp_path / "run", "--backends", f"{own}:Slow"),
        *(*BRIEF, *words),
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"^fitting own:Slow official test: \d s so far$", done.stderr, re.MULTILINE)


def test_what_was_done_is_said_to_be_kept_only_where_something_was(two_labels: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    own.write_text(SLOW.replace("time.sleep(3)", "time.sleep(60)"))
    words = ("--set", "vocabulary = {0 = ['zero'], 1 = ['one']}")
    run = [sys.executable, "-m", "bench", "run", "--corpus", f"folder:{two_labels}", "--jobs", 1, *BRIEF, *words]
    for names, kept in (((f"{own}:Slow",), False), (("chance", f"{own}:Slow"), True)):
        out = tmp_path / ("kept" if kept else "none")
        command = [*map(str, run), "--out", str(out), "--backends", ",".join(names)]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr
            said = ""
            while "fitting own:Slow" not in said:
                said += (line := process.stderr.readline())
                assert line, said
            process.send_signal(signal.SIGINT)
            said += process.stderr.read()
        assert process.returncode == 130
        assert ("what was done is kept: the same command goes on from here" in said) is kept
        assert ("stopped; nothing was done yet" in said) is not kept


SLOW = """
import time
from backends.base import Prediction, TrainedBackend

class Slow(TrainedBackend):
    def load(self): ...
    def fit(self, clips, validation=()):
        time.sleep(3)
    def save(self, path):
        path.write_text("")
    def restore(self, path): ...
    def predict(self, audio):
        return Prediction(self.labels[0])
"""

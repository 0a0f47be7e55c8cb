"""A task of one's own: a file outside the harness, from recordings to report, comparison and recommendation."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from bench import publish
from bench.audio import write
from bench.cli import app
from bench.compare import compare
from bench.config import Config
from bench.configfile import read_config
from bench.corpora import open_for
from bench.errors import BenchError
from bench.marks import open_run
from bench.publish import write_page
from bench.recommend import Wish, choose
from bench.runner import run
from tests.bench.running import Silent, planted, quick
from tests.conftest import tone

COUNTING = '''
"""How many beeps are there? An answer may be off by several."""

from bench.errors import BenchError
from bench.tasks.base import LOW, Fact, Mark, Measure, Part, Section, Task


class Counting(Task):
    name = "counting"
    about = "how many beeps there are"
    nouns = "counters"
    splits = ("official", "loso")
    measure = Measure("count error rate", LOW, "with fewer miscounts")
    none = "no number"
    facts = (Fact("exact, %", "exact", "percent", "↑"),)

    def check(self, clips):
        for clip, reference in zip(clips["clip"], clips["reference"]):
            if not (reference.isdecimal() and int(reference)):
                raise BenchError(f"clip {clip!r}: {reference!r} is not a count of 1 or more")

    def answer(self, label, text):
        return next((word for word in (text or "").split() if word.isdecimal()), None)

    def mark(self, reference, answer):
        return Mark(abs(int(answer or 0) - int(reference)), int(reference))

    def figures(self, rows, clusters, seed):
        return {"exact": float((rows["errors"] == 0).mean())}

    def tables(self, run, rows):
        return {"off_by": rows.groupby(["split", "backend", "errors"]).size().rename("clips").reset_index()}

    def sections(self, run, tables):
        facts = (Fact("backend", "backend"), Fact("off by", "errors", "count"), Fact("clips", "clips", "count"))
        return [Section("How far off", [Part(tables["off_by"], facts)])]
'''
COUNTERS = '''
import numpy as np

from backends.base import Backend, Prediction, TrainedBackend


class Ear(Backend):
    """Counts what is loud; as many as there are, or ``more``."""

    name = "ear"
    sample_rate = 8_000

    def __init__(self, vocabulary, variant="", *, more=0):
        super().__init__(vocabulary, variant)
        assert not vocabulary, "a task without labels tells none"
        self.more = more

    def load(self):
        pass

    def predict(self, audio):
        loud = np.abs(audio[: len(audio) // 400 * 400]).reshape(-1, 400).max(axis=1) > 0.1
        return Prediction(text=f"I count {int((np.diff(loud.astype(int)) == 1).sum()) + self.more} of them")


class Deaf(Ear):
    """Hears nothing, and says so."""

    def predict(self, audio):
        return Prediction(text="nothing at all")


class Usual(TrainedBackend):
    """As many as there usually were."""

    name = "usual"
    sample_rate = 8_000

    def load(self):
        pass

    def fit(self, clips, validation=()):
        counts = sorted(int(clip.label) for clip in clips)
        self.count = counts[len(counts) // 2]

    def save(self, path):
        path.write_text(str(self.count))

    def restore(self, path):
        self.count = int(path.read_text())

    def predict(self, audio):
        return Prediction(text=f"{self.count}")
'''
COUNTS = (1, 2, 3, 12)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Task, backends and recordings: beeps of two speakers, takes 0 of each the official test."""
    folder = tmp_path_factory.mktemp("counting")
    (folder / "counting.py").write_text(COUNTING)
    (folder / "counters.py").write_text(COUNTERS)
    (folder / "beeps").mkdir()
    with (folder / "beeps" / "clips.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(("path", "label", "speaker", "split"))
        for count in COUNTS:
            for number, speaker in enumerate(("ann", "bob")):
                for take in range(3):
                    path = f"{count}_{speaker}_{take}.wav"
                    beep = tone(500 + 100 * number, 0.1, seed=take)
                    quiet = tone(0, 0.1, seed=take + 7)
                    parts = [part for _ in range(count) for part in (quiet, beep)]
                    write(folder / "beeps" / path, np.concatenate([*parts, quiet]), 8_000)
                    out.writerow((path, count, speaker, "train" if take else "test"))
    return folder


def counting(home: Path, *names: str, **settings: object) -> Config:
    """The settings of a run whose vocabulary nobody gave."""
    brief = {
        "splits": ("official", "mixed", "loso"),
        "latency_clips": 0,
        "throughput_s": 0,
        "checks": False,
        "jobs": 1,
        "conditions": ("clean", "gain:-40dB"),
    }
    backends = tuple(f"{home}/counters.py:{name}" for name in names)
    asked = {"task": f"{home}/counting.py:Counting", "corpus": f"folder:{home}/beeps", "backends": backends}
    return read_config(None, {**brief, **asked, **settings})


@pytest.fixture(scope="module")
def counted(home: Path) -> Path:
    """A run with a report."""
    config = counting(home, "Ear", "Deaf", "Usual", checks=True, latency_clips=4, processes=1, threads=(1,))
    done = run(config, open_for(config), home / "run", "digitbench run", Silent(), publish.derive)
    assert not done.failures
    return home / "run"


def test_its_marks_are_sums_of_errors_over_units(counted: Path) -> None:
    rows = open_run(counted).predictions
    clean = rows[rows["condition"] == "clean"]
    ear, deaf = (clean[clean["backend"] == f"counters:{name}"] for name in ("Ear", "Deaf"))
    assert int(ear["errors"].sum()) == 0 and {*ear["units"]} == {*COUNTS}
    assert bool(deaf["predicted"].isna().all()) and deaf["errors"].equals(deaf["units"])
    usual = clean[clean["backend"] == "counters:Usual"]
    assert (usual["errors"] == (usual["predicted"].astype(int) - usual["reference"].astype(int)).abs()).all()


def test_more_errors_than_units_are_shown(home: Path, tmp_path: Path) -> None:
    config = counting(home, "Ear", splits=("official",), backend={"counters": {"more": 20}})
    run(config, open_for(config), tmp_path, "digitbench run", Silent(), publish.derive)
    accuracy = pd.read_csv(tmp_path / "tables" / "accuracy.csv")
    assert accuracy["accuracy"].tolist() == pytest.approx([1 - 20 * len(COUNTS) / sum(COUNTS)])
    assert "444.4" in (tmp_path / "report.md").read_text()


def test_tables_have_its_figures(counted: Path) -> None:
    tables = {path.stem: pd.read_csv(path) for path in (counted / "tables").glob("*.csv")}
    assert "confusion" not in tables and "calibration" not in tables
    accuracy = tables["accuracy"]
    assert "macro_f1" not in accuracy
    loso = accuracy[accuracy["split"] == "loso"].set_index("backend")[["accuracy", "exact"]].to_dict("index")
    assert loso["counters:Ear"] == {"accuracy": 1, "exact": 1}
    assert loso["counters:Deaf"] == {"accuracy": 0, "exact": 0}
    off = tables["off_by"].set_index(["split", "backend", "errors"])["clips"]
    assert off["official", "counters:Deaf", 12] == 2
    assert "loso_accuracy" in tables["summary"] and "exact" in tables["summary"]


def test_the_report_shows_its_measure_and_facts(counted: Path) -> None:
    text = (counted / "report.md").read_text()
    assert text.startswith("# run: counters compared\n")
    assert "\nRecognisers asked how many beeps there are on 24 clips of 2 speakers (folder): " in text
    assert re.search(r"loso count error rate, % \(95 % interval\), n = 24 ↓ .* exact, % \(loso\) ↑", text)
    assert re.search(r"\| counters:Ear +\| +\*\*0\.0\*\* \(", text)
    assert "## How far off" in text and "exact sign test over clips" in text and "with fewer miscounts" in text
    assert not re.search(
        "digit|word|macro|McNemar|confusion", re.sub("digitbench|numtowords", "", text.replace("\\", "")), re.IGNORECASE
    )


def test_a_split_that_it_cannot_have_is_left_out(counted: Path) -> None:
    impossible = json.loads((counted / "run.json").read_text())["corpus"]["impossible_splits"]
    assert list(impossible) == ["mixed"] and "counting.py:Counting" in impossible["mixed"]
    assert "split 'mixed' is not possible" in (counted / "report.md").read_text()


def test_the_page_shows_every_miscount(counted: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(counted, tmp_path / "run")
    page, silent = write_page(folder)
    text = page.read_text()
    assert not silent
    assert "count error rate, % (95 % interval)" in text and "how many beeps there are" in text
    assert "nothing at all" in text and "no number" in text


def test_two_runs_of_it_compare(counted: Path, home: Path, tmp_path: Path) -> None:
    config = counting(home, "Ear", splits=("official", "loso"), backend={"counters": {"more": 1}})
    run(config, open_for(config), tmp_path, "digitbench run", Silent())
    same, worse = (compare(open_run(counted), open_run(folder)) for folder in (counted, tmp_path))
    assert (same.exit_code, worse.exit_code) == (0, 1)
    (change,) = worse.accuracy.query("split == 'loso' and condition == 'clean'").to_dict("records")
    assert change["b"] == pytest.approx(1 - 24 / (6 * sum(COUNTS)))
    assert change["p"] == pytest.approx(2 * 0.5**24)
    assert re.search(
        r"count error rate A, % \|.*count error rate B, % \|.*p, exact sign test over clips", worse.markdown()
    )
    assert re.search(r"\| loso +\| clean +\| counters:Ear +\| +24 \| +0\.0 \| +22\.2 \| +22\.2 \(", worse.markdown())


def test_runs_of_two_tasks_do_not_compare(counted: Path, tiny_corpus: Path, tmp_path: Path) -> None:
    config = quick(tiny_corpus, planted("Steady"), splits=("official",))
    run(config, open_for(config), tmp_path, "digitbench run", Silent())
    assert compare(open_run(counted), open_run(tmp_path)).reason == "other tasks: counting and classification"


def test_it_recommends(counted: Path) -> None:
    found = choose(open_run(counted), Wish())
    assert found.backend == "counters:Ear"
    assert found.lines[0].startswith("counters:Ear: 0.0 % count error rate on new speakers (95 % interval 0.0-")


@pytest.mark.parametrize("command", [["report"], ["verify"], ["compare", "same"], ["recommend"]])
def test_the_command_line_reads_it_back(counted: Path, command: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    result = CliRunner().invoke(app, [command[0], *[str(counted)] * len(command)])
    assert result.exit_code == 0, said(result)


def test_a_file_named_from_here_is_found_from_elsewhere(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    config = counting(home, "Ear", task="counting.py:Counting", splits=("official",), conditions=("clean",))
    run(config, open_for(config), home / "near", "digitbench run", Silent(), publish.derive)
    monkeypatch.chdir("/")
    assert open_run(home / "near").task.name == "counting"


def test_a_task_that_is_gone_is_said(counted: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(counted, tmp_path / "run")
    said = (folder / "run.json").read_text().replace("counting.py:Counting", "lost.py:Counting")
    (folder / "run.json").write_text(said)
    with pytest.raises(BenchError, match=r"cannot import task '.*lost.py:Counting': FileNotFoundError"):
        open_run(folder)


def test_a_reference_that_cannot_be_is_named(home: Path, tmp_path: Path) -> None:
    shutil.copytree(home / "beeps", tmp_path / "beeps")
    listing = tmp_path / "beeps" / "clips.csv"
    listing.write_text(listing.read_text().replace("1_ann_0.wav,1,", "1_ann_0.wav,many,"))
    config = counting(home, "Ear", corpus=f"folder:{tmp_path}/beeps")
    with pytest.raises(BenchError, match="clip '1_ann_0': 'many' is not a count"):
        run(config, open_for(config), tmp_path / "run", "digitbench run", Silent())


def said(result: Result) -> str:
    """What a command printed, and what it raised."""
    return f"{result.output}{result.exception!r}"


def test_references_outside_a_vocabulary_that_is_given_are_left_out(home: Path) -> None:
    config = counting(home, "Ear", vocabulary={"1": ["1"], "12": ["12"]})
    assert set(open_for(config).clips["label"]) == {"1", "12"}
    assert set(open_for(counting(home, "Ear")).clips["label"]) == set(map(str, COUNTS))


def test_the_corpus_that_speaks_the_vocabulary_needs_one(home: Path) -> None:
    with pytest.raises(BenchError, match="synthetic corpus speaks the vocabulary"):
        open_for(counting(home, "Ear", corpus="synthetic"))

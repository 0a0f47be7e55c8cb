"""Every example does what it says, by the commands that are printed with it."""

from __future__ import annotations

import csv
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from backends.base import BackendError, Clip
from bench.audio import write
from bench.records.schema import read_run
from bench.report import build
from bench.report import write as write_report
from bench.workers.parent import ROOT
from examples.centroid import BANDS, Centroid
from examples.own_corpus import write_listing
from examples.question import mistakes
from tests.bench import factory
from tests.conftest import tone

EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("*.py")) if path.stem != "__init__"}
PAGES = ("README.md", "CONTRIBUTING.md")
WORDS = {"0": ["zero"], "1": ["one"], "2": ["two"]}
BRIEF = f"""splits = ["official"]
latency_clips = 0
throughput_s = 0
checks = false
vocabulary = {{{", ".join(f'{label} = ["{spoken}"]' for label, (spoken,) in WORDS.items())}}}
"""


def commands(name: str) -> list[str]:
    """What is printed with an example: in its own first lines, and in the pages that name its file."""
    own = re.findall(r"^ {0,4}((?:digitbench|python) .*)$", EXAMPLES[name].read_text(), re.MULTILINE)
    pages = "\n".join((ROOT / page).read_text() for page in PAGES)
    named = re.findall(rf"^((?:digitbench|python) .*examples/{name}\.py.*?)(?:  #.*)?$", pages, re.MULTILINE)
    return list(dict.fromkeys([*own, *named]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A user's folder: the examples, recordings of three speakers, a clip, and settings for a short run."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    copytree(ROOT / "results" / "fsdd", tmp_path / "results" / "fsdd")  # an example may write there
    (tmp_path / "bench.toml").write_text(BRIEF)
    write(tmp_path / "CLIP.wav", tone(800), 8_000)
    for number, speaker in enumerate(("ann", "bob", "cid")):
        (tmp_path / "recordings" / speaker).mkdir(parents=True)
        for label, (spoken,) in WORDS.items():
            for take in range(3):
                sound = tone(400 * (int(label) + 1) * (1 + number / 20), seed=10 * number + take)
                write(tmp_path / "recordings" / speaker / f"{spoken} ({take}).wav", sound, 8_000)
    write(tmp_path / "recordings" / "ann" / "a door.wav", tone(100), 8_000)
    return tmp_path


@pytest.mark.parametrize("name", EXAMPLES)
def test_it_runs_as_printed(name: str, folder: Path) -> None:
    if name != "own_corpus":
        write_listing(folder / "recordings")
    assert commands(name)
    for line in commands(name):
        program, *arguments = shlex.split(line)
        module = ["-m", "bench"] if program == "digitbench" else []
        done = subprocess.run(
            [sys.executable, *module, *arguments],
            cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stderr}"


def test_a_backend_is_fifteen_lines_and_stands_in_the_readme() -> None:
    code = EXAMPLES["loudness"].read_text()
    assert f"```python\n{code}```" in (ROOT / "README.md").read_text()
    assert len([line for line in code.splitlines() if line.strip()]) <= 15


def clips() -> list[Clip]:
    return [Clip(tone(400 * (int(label) + 1), seed=seed), label) for label in WORDS for seed in range(3)]


def test_a_model_comes_back_from_its_file_as_it_was_fitted(tmp_path: Path) -> None:
    fitted, restored = Centroid(WORDS), Centroid(WORDS)
    fitted.fit(clips())
    fitted.save(tmp_path / "model")
    restored.restore(tmp_path / "model")
    assert [restored.predict(clip.audio).label for clip in clips()] == [clip.label for clip in clips()]
    assert restored.predict(clips()[0].audio) == fitted.predict(clips()[0].audio)
    assert restored.artifacts() == [tmp_path / "model"]
    fitted.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "model").read_bytes()


def test_a_label_without_a_clip_cannot_be_learnt() -> None:
    with pytest.raises(BackendError, match="no training clip of 2"):
        Centroid(WORDS).fit([clip for clip in clips() if clip.label != "2"])


@pytest.mark.parametrize("content", ["nothing", "an object", "other labels", "other means"])
def test_what_is_no_model_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "model.npz"
    labels, means = np.array(["0", "1", "2"]), np.zeros((3, BANDS))
    match content:
        case "nothing":
            path.write_bytes(b"")
        case "an object":
            np.savez(path, labels=labels, means=np.array([print], dtype=object))
        case "other labels":
            np.savez(path, labels=np.array(["yes", "no"]), means=means)
        case "other means":
            np.savez(path, labels=labels, means=means + np.nan)
    with pytest.raises(BackendError, match=r"model\.npz: (not )?a model of"):
        Centroid(WORDS).restore(path)


def test_the_listing_holds_every_take_with_its_speaker_and_leaves_strangers_out(folder: Path) -> None:
    with write_listing(folder / "recordings").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 27
    assert {row["speaker"] for row in rows if row["split"] == "test"} == {"cid"}
    assert rows[0] == {"path": "ann/one (0).wav", "label": "one", "speaker": "ann", "split": "train"}


def test_the_commonest_mistakes_are_those_of_the_records(tmp_path: Path) -> None:
    table = factory.clips()
    wrong = [clip for clip in table["clip"] if clip.startswith("1_ann")]
    heard = factory.heard(table, "made-up", wrong=wrong, silent=["0_bob_3"])
    saved = factory.save(factory.run(heard, table), tmp_path / "run")
    write_report(build(read_run(saved)), saved)
    assert mistakes(saved).values.tolist() == [["made-up", "1", "2", 10], ["made-up", "0", "no digit", 1]]

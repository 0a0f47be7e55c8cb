"""What the README says is what the project does."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.records.schema import read_run
from bench.report.build import robustness_markdown, summary_markdown, tables
from bench.report.embed import embedded
from bench.verify import verify
from bench.workers.parent import ROOT
from tests.bench.running import carry_out, quick

README = (ROOT / "README.md").read_text()
REFERENCE, ROBUSTNESS = (ROOT / "results" / name for name in ("fsdd", "robustness"))


def test_the_example_backend_runs_as_written(tiny_corpus: Path, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    path = tmp_path / "loudness.py"
    path.write_text(code)
    done = carry_out(quick(tiny_corpus, f"{path}:Loudness", "chance", checks=True), tmp_path / "run")
    assert not done.failures
    assert len(read_run(tmp_path / "run").predictions.query("backend == 'loudness:Loudness'")) == 36


def test_the_summary_is_the_reference_run() -> None:
    assert embedded(README, summary_markdown(read_run(REFERENCE))) == README


def test_the_three_lines_follow_from_the_reference_run() -> None:
    made = tables(read_run(REFERENCE))
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


def test_what_noise_does_is_said_by_the_robustness_run() -> None:
    assert embedded(README, robustness_markdown(read_run(ROBUSTNESS)), "robustness") == README


@pytest.mark.parametrize("folder", [REFERENCE, ROBUSTNESS], ids=lambda folder: folder.name)
def test_the_reference_runs_are_what_they_say(folder: Path) -> None:
    assert verify(folder) == []


@pytest.mark.parametrize("folder", [REFERENCE, ROBUSTNESS], ids=lambda folder: folder.name)
def test_the_reference_runs_had_the_packages_that_set_up_gives(folder: Path) -> None:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    had = json.loads((folder / "run.json").read_text())["packages"]
    for tool in ("digitbench", "pip", "setuptools"):
        had.pop(tool, None)
    assert dict(pin.split("==") for pin in pins) == {name: version.partition("+")[0] for name, version in had.items()}


@pytest.mark.parametrize("file", [ROOT / "README.md", *(ROOT / "results").glob("*/report.md")], ids=str)
def test_what_markdown_links_to_is_there(file: Path) -> None:
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", file.read_text())
    assert not [target for target in targets if not (file.parent / target).is_file()]


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^digitbench (\w+)", README, re.MULTILINE))))
def test_every_command_named_exists(command: str) -> None:
    help_text = subprocess.run([sys.executable, "-m", "bench", command, "--help"], capture_output=True, text=True)
    assert help_text.returncode == 0
    used = re.findall(rf"digitbench {command}[^#\n]*?(--[\w-]+)", README)
    assert all(flag in help_text.stdout for flag in used)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)\b", README))))
def test_every_make_target_named_exists(target: str) -> None:
    assert re.search(rf"^{target}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)

"""What the README says is what the project does."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from bench.process import ROOT
from bench.records import read_run
from bench.report.document import summary_markdown
from bench.report.embed import embedded
from bench.verify import verify
from tests.bench.running import carry_out, quick

README = (ROOT / "README.md").read_text()
REFERENCE = ROOT / "results" / "fsdd"


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


def test_the_reference_run_is_what_it_says() -> None:
    assert verify(REFERENCE) == []


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^digitbench (\w+)", README, re.MULTILINE))))
def test_every_command_named_exists(command: str) -> None:
    help_text = subprocess.run([sys.executable, "-m", "bench", command, "--help"], capture_output=True, text=True)
    assert help_text.returncode == 0
    used = re.findall(rf"digitbench {command}[^#\n]*?(--[\w-]+)", README)
    assert all(flag in help_text.stdout for flag in used)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z]+)\b", README))))
def test_every_make_target_named_exists(target: str) -> None:
    if target != "ffmpeg":
        assert re.search(rf"^{target}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)

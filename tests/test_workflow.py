"""The workflow for GitHub names only targets, options and backends that there are."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.main import get_command

from backends import known_names
from bench.cli import app
from bench.workers.parent import ROOT

yaml: Any = pytest.importorskip("yaml", reason="needs PyYAML: pip install pyyaml")

WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "digitbench.yml").read_text())
STEPS = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
SCRIPTS = [step["run"] for step in STEPS if "run" in step]


def commands(word: str) -> Iterator[list[str]]:
    """Arguments of every call of a program, shell operators cut off."""
    for line in "\n".join(SCRIPTS).splitlines():
        for call in re.findall(rf"(?:^|[\s/(]){word} ([^;&|>)]*)", line):
            if not line.strip().startswith("echo"):
                yield shlex.split(call)


def test_every_make_target_exists() -> None:
    targets = {word for call in commands("make") for word in call if re.fullmatch("[a-z]+", word)}
    assert {"setup", "lint", "test"} <= targets
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets <= known


def test_every_digitbench_line_parses() -> None:
    root: Any = get_command(app)
    calls = list(commands("digitbench"))
    assert {call[0] for call in calls} == {"run", "report", "verify", "compare"}
    for name, *arguments in calls:
        command = root.commands[name]
        if arguments != ["--help"]:
            command.make_context(name, arguments, parent=typer.Context(root))


def test_every_backend_is_registered_and_its_extra_exists() -> None:
    environment = WORKFLOW["jobs"]["bench"]["env"]
    assert set(environment["BACKENDS"].split(",")) <= set(known_names())
    extras = (ROOT / "pyproject.toml").read_text()
    assert all(re.search(rf"^{extra} = \[", extras, re.MULTILINE) for extra in environment["EXTRAS"].split(","))


def test_head_and_base_are_benched_alike() -> None:
    runs = [call for call in commands("digitbench") if call[0] == "run"]
    assert len(runs) == 4
    assert len({tuple(call[:-1]) for call in runs}) == 1 and all(call[-2] == "--out" for call in runs)


def test_the_token_can_only_read_and_no_job_runs_for_ever() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert all(0 < job["timeout-minutes"] <= 60 for job in WORKFLOW["jobs"].values())
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in STEPS if "uses" in step)


@pytest.mark.parametrize("script", SCRIPTS, ids=range(len(SCRIPTS)))
def test_scripts_are_bash_and_take_nothing_from_outside_but_variables(script: str) -> None:
    assert subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True).returncode == 0
    assert "${{" not in script  # an expression pasted into a script can be made to run

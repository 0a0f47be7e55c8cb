"""``make setup`` on machines that lack something, and tests that may not be skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bench.workers.parent import ROOT
from tests.conftest import REQUIRED

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="needs make")


def interpreter(folder: Path, script: str) -> Path:
    """A program that answers as a Python of some kind would."""
    path = folder / "python3.11"
    path.write_text(f'#!/bin/sh\ncase "$*" in\n{script}\nesac\n')
    path.chmod(0o755)
    return path


@needs_make
@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("*) exit 127;;", ("PYTHON=", "python3.12")),
        ("*version_info*) exit 1;; --version) echo Python 3.9.2;;", ("Python 3.9.2, 3.11 is needed", "PYTHON=")),
        ("*ensurepip*) exit 1;;", ("apt-get install python3.11-venv", "PYTHON=")),
    ],
)
def test_a_python_that_will_not_do_is_named(script: str, told: tuple[str, ...], tmp_path: Path) -> None:
    python = interpreter(tmp_path, script)
    done = subprocess.run(
        ["make", "-C", ROOT, "setup", f"PYTHON={python}", f"VENV={tmp_path / 'venv'}"], capture_output=True, text=True
    )
    assert done.returncode
    assert str(python) in done.stderr and all(words in done.stderr for words in told)
    assert not (tmp_path / "venv").exists()


@needs_make
def test_setup_is_not_silent(tmp_path: Path) -> None:
    done = subprocess.run(["make", "-C", ROOT, "-n", "setup", f"VENV={tmp_path}"], capture_output=True, text=True)
    assert "pip install" in done.stdout and "--quiet" not in done.stdout


@pytest.mark.parametrize(("required", "code"), [("", 0), ("ffmpeg", 0), ("chromium,ffmpeg", 1), ("Chromium", 1)])
@pytest.mark.parametrize("place", ["test", "module"])
def test_a_skip_for_a_required_reason_fails(required: str, code: int, place: str, tmp_path: Path) -> None:
    skip = "pytest.skip('needs Chromium', allow_module_level=True)"
    body = f"    {skip}" if place == "test" else f"    pass\n{skip}"
    (tmp_path / "test_skipping.py").write_text(f"import pytest\ndef test_other(): pass\ndef test_page():\n{body}\n")
    (tmp_path / "test_running.py").write_text("def test_runs(): pass\n")
    plain = ("-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plain, tmp_path],
        cwd=ROOT, env={**os.environ, REQUIRED: required}, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode != 0) == code, done.stdout
    assert "needs Chromium" in done.stdout or not code


ASIDE = ("tests", "benchmarks", "examples")
"""Packages that are not installed."""


def test_every_package_says_that_it_is_typed() -> None:
    packages = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name not in ASIDE]
    assert {path.name for path in packages} >= {"bench", "backends"}
    assert all((path / "py.typed").is_file() for path in packages)

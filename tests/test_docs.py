"""What the pages for people name is there: files, commands, flags, targets; and what they show runs."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from functools import cache, reduce
from pathlib import Path
from types import ModuleType

import pytest

from bench.audio import write
from bench.corpora.collect import ANYTHING
from bench.workers.parent import ROOT
from tests.conftest import tone

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"))
}
REPORTS = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("results/*/*.md"))
NOW = "\n".join(text for page, text in PAGES.items() if page != "CHANGELOG.md")
"""Pages of what is there, and not of what was."""
OURS = r"(?:audiodecode|backends|bench|benchmarks|docs|examples|notebooks|sound|tests)"
"""Folders that a page may name files of."""
EVERY = "\n".join(PAGES.values())


def test_the_pages_are_there() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md", "docs/results.md"} <= {*PAGES}


@pytest.mark.parametrize("page", [*PAGES, *REPORTS])
def test_what_a_page_links_to_is_there(page: str) -> None:
    path = ROOT / page
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_the_files_that_a_page_names_are_there(page: str) -> None:
    named = re.findall(rf"`({OURS}/[\w./-]*?)`", PAGES[page])
    assert [name for name in named if not (ROOT / name).exists() and "NAME" not in name] == []


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:backends|bench|sound|audiodecode)(?:\.\w+)+)`", NOW))))
def test_the_modules_and_names_of_a_page_are_there(name: str) -> None:
    if name != "bench.toml":
        module, *attributes = _module(name.split("."))
        reduce(getattr, map(str, attributes), module)


def _module(parts: list[str]) -> list[ModuleType | str]:
    """The module that a dotted name begins with, and what is left of the name."""
    for length in range(len(parts), 0, -1):
        try:
            return [importlib.import_module(".".join(parts[:length])), *parts[length:]]
        except ModuleNotFoundError:
            continue
    raise AssertionError(parts)


@cache
def help_of(command: str) -> str:
    done = subprocess.run([sys.executable, "-m", "bench", command, "--help"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", sorted(set(re.findall(r"(?:^|`)digitbench (\w+)", EVERY, re.MULTILINE))))
def test_every_command_and_flag_that_is_named_exists(command: str) -> None:
    lines = re.findall(rf"digitbench {command}\b([^#`\n]*)", EVERY)
    used = {flag for line in lines for flag in re.findall(r"(?<![\w-])--[a-z][\w-]*", line)}
    assert [flag for flag in sorted(used) if flag not in help_of(command)] == []


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)\b", EVERY, re.MULTILINE))))
def test_every_make_target_that_is_named_exists(target: str) -> None:
    assert re.search(rf"^{target}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)


def test_the_corpus_of_contributing_opens(tmp_path: Path) -> None:
    code = next(
        code for code in re.findall(r"```python\n(.*?)```", PAGES["CONTRIBUTING.md"], re.DOTALL) if "def" in code
    )
    (tmp_path / "ann").mkdir()
    for name in ("seven_0", "two_1", "door"):
        write(tmp_path / "ann" / f"{name}.wav", tone(500), 8_000)
    made: dict[str, object] = {}
    exec(code, made)
    corpus = made["open_mine"](tmp_path, ANYTHING)  # type: ignore[operator]
    assert corpus.clips[["label", "speaker"]].values.tolist() == [["seven", "ann"], ["two", "ann"]]
    assert [each.files for each in corpus.left_out] == [1]

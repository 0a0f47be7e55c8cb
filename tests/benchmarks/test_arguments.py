"""Benchmarks refuse what they cannot use in one line, before they measure."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

NEED_RECORDINGS = ("compression", "content", "live", "merging", "wer", "words")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def refusal(name: str, *arguments: str) -> tuple[object, list[str]]:
    """Exit code or message of ``python -m benchmarks.name``, and what it left in its folder."""
    sys.argv = [name, *arguments]
    with pytest.raises(SystemExit) as stop:
        runpy.run_module(f"benchmarks.{name}", run_name="__main__", alter_sys=False)
    return stop.value.code, sorted(path.name for path in Path().iterdir())


@pytest.mark.parametrize("root", [None, "/nowhere"])
@pytest.mark.parametrize("name", NEED_RECORDINGS)
def test_recordings_that_are_not_there(name: str, root: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DIGITBENCH_DATA", raising=False)
    if root:
        monkeypatch.setenv("DIGITBENCH_DATA", root)
    message, files = refusal(name)
    folder = "a folder with transcription_parts.csv"
    assert message == f"error: DIGITBENCH_DATA must name {folder}, not {root!r}: see docs/setup.md"
    assert not files


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("compression", ("--sittings", "one,bla"), "--sittings: no bla; there are one, joined"),
        ("compression", ("--every", "0"), "--every: must be a whole number from 1, not '0'"),
        ("merging", ("dev", "0"), "clips: must be a whole number from 1"),
        ("merging", ("train",), "invalid choice: 'train'"),
        ("fuzz_loading", ("--files", "-1"), "--files: must be a whole number from 1"),
        ("content", ("--clips", "0"), "--clips: must be"),
        ("wer", ("--clips", "few"), "--clips: must be a whole number from 1, not 'few'"),
        ("discrimination", ("--runs", "0"), "--runs: must be"),
        ("overhead", ("--small", "0"), "--small: must be"),
    ],
)
def test_arguments_out_of_range(
    name: str, arguments: tuple[str, ...], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, files = refusal(name, *arguments)
    assert code == 2
    assert reason in capsys.readouterr().err
    assert not files

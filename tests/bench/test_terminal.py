from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bench.audio import write
from bench.cli import app
from bench.workers.parent import ROOT
from tests.conftest import tone

COMMANDS: dict[str, Any] = getattr(get_command(app), "commands")  # noqa: B009 - typer's types do not show it
RUN = ROOT / "results" / "fsdd"


def shown(*arguments: object, columns: int = 80, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "bench", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, cwd=ROOT,
        env={"PATH": "", "COLUMNS": str(columns), "TERM": "dumb", **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("command", "columns"), [*((name, 80) for name in COMMANDS), ("", 80), ("", 45), ("run", 200)])
def test_help_cuts_no_sentence(command: str, columns: int) -> None:
    text = shown(*filter(None, [command]), "--help", columns=columns)
    commands = COMMANDS if not command else {command: COMMANDS[command]}
    said = [each.help for each in commands.values()]
    said += [each.help for each in COMMANDS[command].params if getattr(each, "help", None)] if command else []
    assert not [sentence for sentence in said if squeezed(sentence) not in squeezed(text)]
    assert max(map(len, text.splitlines())) <= 80


def squeezed(text: str) -> str:
    """Without the spaces and line ends that a layout adds."""
    return "".join(text.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("compare", RUN, RUN),
        ("compare", RUN, RUN, "--json"),
        ("recommend", RUN),
        ("recommend", RUN, "--json"),
    ],
    ids=lambda arguments: " ".join(map(str, (arguments[0], *arguments[3:]))),
)
def test_a_reader_that_leaves_changes_no_exit_code(arguments: tuple[str | Path, ...]) -> None:
    command = [sys.executable, "-m", "bench", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0
    assert "Traceback" not in said
    assert "Exception" not in said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp437"])
@pytest.mark.parametrize("arguments", [("list",), ("recommend", RUN), ("compare", RUN, RUN)], ids=lambda part: part[0])
def test_any_encoding_of_the_terminal_will_do(arguments: tuple[object, ...], encoding: str) -> None:
    assert shown(*arguments, PYTHONIOENCODING=encoding, LANG="C")


def test_a_full_disk_is_said_and_no_more() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "bench", "recommend", RUN], stdout=full, stderr=subprocess.PIPE, cwd=ROOT, text=True
        )
    assert done.returncode == 2
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr
    assert "is kept" not in done.stderr


@pytest.mark.parametrize(
    ("redirection", "words"),
    [
        ("predict - <&-", "-: standard input is closed"),
        ("stream - --vad energy <&-", "-: standard input is closed"),
        ("predict clip.wav >&-", "standard output is closed"),
        ("list >&-", "standard output is closed"),
    ],
)
def test_a_stream_that_whoever_started_it_closed_is_named(redirection: str, words: str) -> None:
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m bench {redirection}"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert (done.returncode in (1, 2), done.stderr.count("\n")) == (True, 1), done.stderr
    assert words in done.stderr


def test_what_needs_no_standard_input_works_without(tmp_path: Path) -> None:
    write(tmp_path / "clip.wav", tone(300), 8_000)
    command = f"'{sys.executable}' -m bench predict --backend mfcc-lite '{tmp_path}/clip.wav' <&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stderr) == (0, "") and "clip.wav" in done.stdout

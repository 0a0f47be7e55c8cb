"""The command ``digitbench live``: lines, a screen with keys, saving, hearing again, and its ends."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bench.errors import BenchError
from bench.live import events, terminal
from bench.live.listening import correctable
from bench.live.scores import best
from bench.live.view import answer_line
from bench.workers.parent import ROOT
from tests.bench.live.running import PEOPLE, beep, config, hush

RATE = 48_000
WORDS = "vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}"
COMMON = ("--backends", f"{PEOPLE}:Quick,{PEOPLE}:Picky", "--vad", "energy", "--set", WORDS)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two words at 48 kHz, after a second of a quiet room."""
    path = tmp_path_factory.mktemp("sound") / "words.wav"
    parts = [hush(1.0, RATE), beep(0.2, 0.4, RATE), hush(0.6, RATE, 1), beep(0.2, 0.3, RATE), hush(0.6, RATE, 2)]
    soundfile.write(path, np.concatenate(parts), RATE, subtype="PCM_16")
    return path


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "bench", "live", *map(str, arguments)]


def live(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_lines_of_json_and_a_folder_that_is_heard_again_alike(recording: Path, tmp_path: Path) -> None:
    done = live("--input", recording, "--json", "--save", tmp_path / "said", *COMMON)
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    final = [each for each in told if each["type"] == "answer" and each["final"]]
    assert sorted((each["utterance"], each["backend"]) for each in final) == [
        (number, f"people:{name}") for number in (1, 2) for name in ("Picky", "Quick")
    ]
    assert all(each["state"] == "answered" and each["label"] == "1" for each in final)
    for each in final:
        stages = each["latency_s"]
        total = stages.pop("total")
        assert total == pytest.approx(sum(stages.values()), abs=1e-3) and total > 0.15
        assert set(stages) == {"device", "vad", "queue", "features", "model", "confirm", "paint"}
    source = [each for each in told if each["type"] == "source"]
    assert [each["rate"] for each in source] == [RATE, RATE] and source[-1]["dropped"] == 0
    again = live("--replay", tmp_path / "said", *COMMON[:2], *COMMON[4:])
    assert again.returncode == 0 and again.stdout.count("the same") == 4
    (path, *_) = sorted((tmp_path / "said").glob("*.wav"))
    sound, rate = soundfile.read(path, dtype="int16")
    soundfile.write(path, sound // 2, rate, subtype="PCM_16")
    changed = live("--replay", tmp_path / "said", *COMMON[:2], *COMMON[4:])
    assert changed.returncode == 1 and changed.stdout.count("differs") == 2


def test_plain_lines_where_there_is_no_terminal(recording: Path) -> None:
    done = live("--input", recording, *COMMON)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 4 and all("people:" in line for line in done.stdout.splitlines())


class Screen:
    """A terminal with the command in it."""

    def __init__(self, *arguments: object) -> None:
        self.ours, theirs = pty.openpty()
        env = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
        self.process = subprocess.Popen(
            command(*arguments), stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=env, start_new_session=True
        )
        os.close(theirs)
        self.text = ""

    def until(self, wanted: str, seconds: float = 60) -> bool:
        end = time.monotonic() + seconds
        while not re.search(wanted, self.text) and time.monotonic() < end:
            if not select.select([self.ours], [], [], 0.2)[0]:
                continue
            try:
                self.text += os.read(self.ours, 1 << 16).decode(errors="replace")
            except OSError:  # nobody is at the other end any more
                break
        return bool(re.search(wanted, self.text))

    def close(self) -> int:
        self.until("(?!)", 0.5)
        code = self.process.wait(30)
        os.close(self.ours)
        return code


@pytest.fixture(scope="module")
def long_recording(recording: Path) -> Path:
    """The same, and a minute in which nobody speaks."""
    sound, rate = soundfile.read(recording, dtype="float32")
    path = recording.with_name("long.wav")
    soundfile.write(path, np.concatenate((sound, hush(60, RATE, 3))), rate, subtype="PCM_16")
    return path


def test_a_screen_with_a_meter_bars_and_keys(long_recording: Path, tmp_path: Path) -> None:
    screen = Screen("--input", long_recording, "--save", tmp_path / "said", *COMMON)
    assert screen.until(r"2: people:Quick 1, people:Picky 1|2: people:Picky 1, people:Quick 1"), screen.text
    assert "█" in screen.text and "dB" in screen.text and "That was a: 0, 1, 2" in screen.text
    assert re.search(r"\d+ ms = ", screen.text)
    os.write(screen.ours, b"2")
    assert screen.until("it was 2"), screen.text
    os.write(screen.ours, b"\n")
    os.write(screen.ours, b"\n")
    assert screen.until("3: people"), screen.text
    os.write(screen.ours, b"q")
    assert screen.close() == 0
    rows = list(csv.DictReader((tmp_path / "said" / "clips.csv").open()))
    assert [row["label"] for row in rows] == ["2"]
    assert "Traceback" not in screen.text


def test_ctrl_c_ends_it_cleanly(long_recording: Path, tmp_path: Path) -> None:
    screen = Screen("--input", long_recording, "--json", "--save", tmp_path / "said", *COMMON)
    assert screen.until('"final": true, "state": "answered"'), screen.text
    screen.process.send_signal(signal.SIGINT)
    assert screen.close() == 130
    assert "Traceback" not in screen.text
    for line in (tmp_path / "said" / "predictions.jsonl").read_text().splitlines():
        json.loads(line)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"file": Path("none.wav")}, "none.wav: no such file"),
        ({"vad": "loud"}, "--vad 'loud'"),
        ({"device": "b"}, "leave one out"),
        ({"names": ["mfcc-svn"]}, "mfcc-svm"),
        ({"names": [f"{PEOPLE}:Broken"]}, "no weights"),
        ({"names": [f"{PEOPLE}:Quick"] * 2}, "one name"),
        ({"names": ["mfcc-svm"]}, "must be trained first"),
        ({"save": Path("/proc/none")}, "--save /proc/none"),
    ],
)
def test_bad_input_is_refused_before_anybody_listens(changed: dict[str, Any], words: str, recording: Path) -> None:
    asked: dict[str, Any] = {
        "names": [f"{PEOPLE}:Quick"],
        "models": [],
        "device": None,
        "file": recording,
        "push": False,
    }
    asked |= {"vad": "energy", "save": None, "speaker": "", "as_json": True, **changed}
    with pytest.raises(BenchError, match=re.escape(words)):
        terminal.live(config(), **asked)


def test_what_is_refused_is_one_line() -> None:
    done = live("--replay", "none", *COMMON[:2])
    assert done.returncode == 2 and re.fullmatch(r"error: none: no utterances.jsonl [^\n]*\n", done.stderr)


def test_labels_have_keys() -> None:
    assert correctable(["0", "1", "yes", "no"]) == {"0": "0", "1": "1", "2": "yes", "3": "no"}


def test_scores_are_shown_as_shares() -> None:
    assert best({"a": 0.7, "b": 0.3}, 3) == [("a", 0.7), ("b", 0.3)]
    (first, *_) = best({"a": -1.0, "b": -3.0, "c": -900.0}, 3)
    assert first[0] == "a" and first[1] == pytest.approx(1 / (1 + np.exp(-2)))
    assert best(None, 3) == []


def test_an_answer_on_one_line_holds_nothing_that_a_terminal_obeys() -> None:
    facts: dict[str, Any] = {"utterance": 1, "backend": "a\x1b[2J", "final": True}
    assert answer_line(events.Answer(**facts, state="answered", text="\x1b[31m")) == "1\ta\\x1b[2J\t'\\x1b[31m'"
    assert answer_line(events.Answer(**facts, state="failed", error="gone")) == "1\ta\\x1b[2J\tfailed\tgone"

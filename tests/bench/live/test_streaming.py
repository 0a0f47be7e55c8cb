"""What is final does not depend on blocks or pace, and is what an offline cut of the same sound gives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.live.lanes import Lane, open_lanes
from bench.live.source import Block
from bench.live.streaming import Transcript, plain_words
from bench.workers.parent import ROOT
from sound import Audio
from sound.activity import RATE
from sound.segment import SENTENCES, End, Segmenter
from tests.bench.live.people import Scribe
from tests.bench.live.running import PEOPLE, Gate, beep, candidate, hush


class Pieces:
    """A source in blocks of any sizes, at once."""

    name, dropped = "pieces", 0

    def __init__(self, sound: Audio, sizes: Sequence[int], rate: int = RATE) -> None:
        self.rate = rate
        self._sound, self._sizes = sound, sizes

    def blocks(self, stop: Event) -> Iterator[Block]:
        start, turn = 0, 0
        while start < len(self._sound):
            size = self._sizes[turn % len(self._sizes)]
            yield Block(self._sound[start : start + size], 0.0)
            start, turn = start + size, turn + 1


def talk() -> Audio:
    """Three sentences, one of them with a short pause in it."""
    parts = [
        hush(0.5),
        beep(0.2, 1.5),
        hush(0.15),
        beep(0.25, 1.0),
        hush(0.6),
        beep(0.1, 0.4),
        hush(0.5),
        beep(0.3, 2.5),
    ]
    return np.concatenate(parts)


@pytest.fixture(scope="module")
def lane() -> Iterator[Lane]:
    with open_lanes([candidate("Scribe")]) as lanes:
        assert lanes.wait(60)
        yield lanes.lanes[0]


def transcribed(lane: Lane, source: Pieces, live: bool = False, partials: bool = True) -> list[Any]:
    entries: list[Any] = []
    assert not Transcript(lane, entries.append, live, partials).follow(source, Gate())
    return entries


def finals(entries: Sequence[Any]) -> list[tuple[float, float, str]]:
    return [(each["start_s"], each["end_s"], each["text"]) for each in entries if each["type"] == "final"]


def offline(sound: Audio) -> list[tuple[float, float, str]]:
    segmenter, scribe = Segmenter(Gate(), SENTENCES), Scribe({})
    events = segmenter.push(sound) + segmenter.finish()
    parts = [event.segment for event in events if isinstance(event, End)]
    return [
        (round(each.onset / RATE, 3), round(each.offset / RATE, 3), str(scribe.predict(each.framed(0.1)).text))
        for each in parts
    ]


@settings(max_examples=12)
@given(st.lists(st.integers(1, 9_000), min_size=1, max_size=4), st.booleans())
def test_final_words_are_those_of_offline_cuts_however_it_comes(lane: Lane, sizes: list[int], live: bool) -> None:
    assert finals(transcribed(lane, Pieces(talk(), sizes), live)) == offline(talk())


def test_partials_come_early_and_words_taken_back_are_counted(lane: Lane) -> None:
    entries = transcribed(lane, Pieces(talk(), [160]))
    first = next(each for each in entries if each["type"] == "partial")
    assert first["at_s"] - first["start_s"] <= 1.2
    parts = [each for each in entries if each["type"] == "partial" and each["utterance"] == 1]
    last = next(each for each in entries if each["type"] == "final")
    assert last["partials"] == len(parts) >= 2
    revisions, before = 0, list[str]()
    for each in (*parts, last):
        now = each["text"].split()
        same = next(
            (i for i, (a, b) in enumerate(zip(before, now, strict=False)) if a != b), min(len(before), len(now))
        )
        revisions, before = revisions + len(before) - same, now
    assert last["revisions"] == revisions
    summary = entries[-1]
    assert summary["type"] == "summary" and summary["final"] == 3 and summary["failed"] == 0
    assert summary["audio_s"] == pytest.approx(len(talk()) / RATE)
    assert summary["encoder_tokens_per_s"] > 0
    assert all(each["delay_s"] >= 0.3 for each in entries if each["type"] == "final" and each["utterance"] < 3)


def test_without_partials_there_are_only_guesses_at_ends(lane: Lane) -> None:
    entries = transcribed(lane, Pieces(talk(), [160]), partials=False)
    assert finals(entries) == offline(talk())
    assert sum(each["type"] == "partial" for each in entries) <= 3


def test_any_rate(lane: Lane) -> None:
    slow = np.concatenate((hush(0.5, 11_025), beep(0.2, 1.0, 11_025), hush(0.5, 11_025)))
    ((start, end, _),) = finals(transcribed(lane, Pieces(slow, [97], 11_025)))
    assert abs(start - 0.5) < 0.05 and abs(end - 1.5) < 0.05


def test_same_words() -> None:
    assert plain_words("It's fine; Really.") == ["it's", "fine", "really"]


def stream(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "bench", "stream", *arguments, "--vad", "energy"]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=120, cwd=ROOT, check=False)


def test_the_command_reads_files_and_pipes(tmp_path: Path) -> None:
    sound = np.concatenate((hush(2.0), beep(0.2, 1.0), hush(1.0)))
    soundfile.write(tmp_path / "a.wav", sound, RATE)
    scribe = ("--backend", f"{PEOPLE}:Scribe")
    by_file = stream(str(tmp_path / "a.wav"), *scribe)
    assert (by_file.returncode, by_file.stderr) == (0, b"")
    raw = (sound * 32_768).round().astype("<i2").tobytes()
    by_pipe = stream("-", *scribe, stdin=raw)
    told = [finals([json.loads(line) for line in done.stdout.splitlines()]) for done in (by_file, by_pipe)]
    assert told[0] == told[1] and len(told[0]) == 1
    refused = stream(str(tmp_path / "a.wav"), *scribe, "--rate", "8000")
    assert refused.returncode == 2 and refused.stderr.startswith(b"error: --rate 8000")
    namer = stream(str(tmp_path / "a.wav"), "--backend", "mfcc-lite")
    assert namer.returncode == 2 and b"mfcc-lite cannot do transcription" in namer.stderr

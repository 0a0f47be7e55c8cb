"""Sounds of a report are those that backends heard, or there is none."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.audio import fingerprint, read, write
from bench.clips import Clips
from bench.conditions import apply, parse
from bench.recordings import encode, sounds
from bench.records.schema import Run
from tests.bench import factory
from tests.conftest import tone

RATE = 8_000


@pytest.fixture
def recorded(tmp_path: Path) -> tuple[Run, Clips]:
    """A run and its clips, each a tone of its own."""
    table = factory.clips(takes=2)
    prints = []
    for seed, path in enumerate(table["path"]):
        write(tmp_path / path, tone(300 + 20 * seed, seed=seed), RATE)
        prints.append(fingerprint(*read(tmp_path / path)))
    table = table.assign(sha256=prints)
    conditions = ["noise:white@10dB", "noise:babble@0dB"]
    run = factory.run(factory.heard(table, "a"), table, config={"seed": 7, "conditions": conditions})
    return run, Clips(table, tmp_path)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 9_999, 44_100])
def test_a_sound_keeps_its_length(rate: int) -> None:
    sound, kept = soundfile.read(io.BytesIO(encode(tone(300, 0.5, rate), rate)))
    assert kept >= rate
    assert len(sound) / kept == pytest.approx(0.5, abs=0.08)


def test_encoding_holds_nothing_random() -> None:
    sound = tone(300)
    assert encode(sound, 8_000) == encode(sound, 8_000)


def test_silence_and_clipping_are_encoded() -> None:
    assert encode(np.zeros(1, np.float32), 8_000)
    assert encode(np.full(4_000, 9, np.float32), 8_000)


def test_a_clean_sound_is_the_recording(recorded: tuple[Run, Clips]) -> None:
    run, clips = recorded
    clip = next(clips.all())
    assert sounds(run, clips)(clip.id, "clean") == encode(*read(Path(clip.path)))


def test_a_treated_sound_is_as_the_backends_heard_it(recorded: tuple[Run, Clips]) -> None:
    run, clips = recorded
    clip = next(clips.all())
    samples, rate = read(Path(clip.path))
    heard = apply(parse("noise:white@10dB"), samples, rate, clip=clip.id, speaker=clip.speaker, seed=7)
    assert sounds(run, clips)(clip.id, "noise:white@10dB") == encode(*heard) != encode(samples, rate)


def test_babble_is_of_the_clips_of_the_run(recorded: tuple[Run, Clips]) -> None:
    run, clips = recorded
    made = sounds(run, clips)("0_ann_0", "noise:babble@0dB")
    assert made and made != sounds(run, clips)("0_ann_0", "clean")


@pytest.mark.parametrize("fate", ["gone", "another", "unknown"])
def test_where_the_recording_that_was_heard_is_not_there_is_no_sound(recorded: tuple[Run, Clips], fate: str) -> None:
    run, clips = recorded
    clip, other = next(clips.all()), list(clips.all())[1]
    match fate:
        case "gone":
            Path(clip.path).unlink()
        case "another":
            write(Path(clip.path), tone(999), RATE)
        case "unknown":
            clips = clips.only(np.arange(1, len(clips)))
    sound = sounds(run, clips)
    assert [sound(clip.id, condition) for condition in ("clean", "noise:white@10dB")] == [None, None]
    assert sound(other.id, "clean")

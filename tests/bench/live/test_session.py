"""Sessions: what is pushed is cut, answered, timed, corrected, saved, benchmarked and heard again alike."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bench.configfile import read_config
from bench.corpora import open_corpus, open_for
from bench.errors import BenchError
from bench.live import events
from bench.live.lanes import Lanes, open_lanes
from bench.live.replay import replay
from bench.live.saving import Folder
from bench.live.session import Session
from bench.runner import run
from sound import Audio
from sound.segment import Cutting
from tests.bench.live.running import Gate, beep, candidate, hush
from tests.bench.running import VOCABULARY, Silent, planted

RATE = 8_000
SHORT = {"latency_clips": 0, "throughput_s": 0, "checks": False}
STAGES = {"device", "vad", "queue", "features", "model", "confirm", "total"}


@pytest.fixture(scope="module")
def lanes() -> Iterator[Lanes]:
    with open_lanes([candidate("Quick"), candidate("Picky")]) as opened:
        assert opened.wait(120)
        yield opened


def said(*levels: float) -> Audio:
    """Beeps at 8 kHz with gaps."""
    parts = [part for level in levels for part in (beep(level, rate=RATE), hush(0.5, RATE))]
    return np.concatenate((hush(0.5, RATE), *parts))


def hear(lanes: Lanes, sound: Audio, block: int = 80, save: Folder | None = None) -> tuple[Session, list[events.Event]]:
    """A whole stream, as fast as may be but for the answers."""
    told: list[events.Event] = []
    session = Session(lanes, Gate, RATE, told.append, save=save, source="a test", speaker="ann")
    for start in range(0, len(sound), block):
        session.push(sound[start : start + block])
        assert session.drain(30)
    session.finish()
    assert session.drain(30)
    return session, told


def test_an_utterance_from_onset_to_answers(lanes: Lanes) -> None:
    _, told = hear(lanes, said(0.2))
    assert [type(event) for event in told if not isinstance(event, events.Level | events.Answer)] == [
        events.Speech,
        events.Cut,
        events.Cut,
    ]
    guess, cut = (event for event in told if isinstance(event, events.Cut))
    assert (guess.final, cut.final) == (False, True)
    assert (cut.onset_s, cut.offset_s) == (guess.onset_s, guess.offset_s)
    assert abs(cut.onset_s - 0.5) < 0.04 and abs(cut.offset_s - 0.9) < 0.04
    final = [event for event in told if isinstance(event, events.Answer) and event.final]
    assert {event.backend for event in final} == set(lanes.names)
    assert all(event.state == "answered" and event.label == "1" for event in final)
    assert all(event.latency_s is not None and set(event.latency_s) == STAGES for event in final)
    assert sum(isinstance(event, events.Level) for event in told) == pytest.approx(1.4 / 0.032, abs=1)
    for event in told:
        assert json.loads(events.line(event))["type"] == type(event).__name__.lower()


def test_answers_do_not_depend_on_blocks(lanes: Lanes) -> None:
    def answers(block: int) -> list[tuple[object, ...]]:
        _, told = hear(lanes, said(0.2, 0.25), block)
        final = [event for event in told if isinstance(event, events.Answer) and event.final]
        return sorted((event.utterance, event.backend, event.label, str(event.scores)) for event in final)

    assert answers(33) == answers(80) == answers(4_000)
    assert len(answers(80)) == 4


def test_time_runs_from_the_end_of_speech_in_the_air(lanes: Lanes) -> None:
    told: list[events.Event] = []
    session = Session(lanes, Gate, RATE, told.append)
    session.push(said(0.2), captured=1_000.0)
    session.finish()
    assert session.drain(30)
    cut = next(event for event in told if isinstance(event, events.Cut))
    assert cut.device_s > 0 or cut.vad_s >= 0
    answer = next(event for event in told if isinstance(event, events.Answer) and event.final)
    assert answer.latency_s is not None
    assert answer.latency_s["total"] == pytest.approx(cut.device_s + cut.vad_s, abs=5)


def test_push_to_talk(lanes: Lanes) -> None:
    told: list[events.Event] = []
    session = Session(lanes, Gate, RATE, told.append, cutting=Cutting(listening=False))
    session.push(said(0.2))
    session.press()
    session.push(beep(0.2, rate=RATE))
    session.release()
    assert session.drain(30)
    assert [event.final for event in told if isinstance(event, events.Cut)] == [True]


def test_sessions_of_two_clients_get_answers_of_their_own(lanes: Lanes) -> None:
    told: dict[str, list[events.Event]] = {"ann": [], "bob": []}
    sessions = {name: Session(lanes, Gate, RATE, told[name].append) for name in told}
    for session in sessions.values():
        session.push(said(0.2))
        session.finish()
    assert all(session.drain(30) for session in sessions.values())
    for events_of in told.values():
        answered = [each for each in events_of if isinstance(each, events.Answer) and each.final]
        assert [each.state for each in answered] == ["answered"] * 2
    sessions["ann"].close()
    count = len(told["ann"])
    sessions["ann"].push(said(0.2))
    assert len(told["ann"]) == count


def test_a_saved_session_is_a_corpus_and_is_heard_again_bit_by_bit(
    lanes: Lanes, tmp_path: Path, tiny_corpus: Path
) -> None:
    folder = tmp_path / "said"
    session, told = hear(lanes, said(0.2, 0.35, 0.2), save=Folder(folder))
    with pytest.raises(BenchError, match="utterance 9"):
        session.correct(9, "1")
    session.correct(1, "1")
    session.correct(3, "2")
    session.correct(3, "0")
    session.correct(2, "0")
    session.correct(2, None)
    saved = [event.file for event in told if isinstance(event, events.Saved)]
    assert len(saved) == len(list(folder.glob("*.wav"))) == 3
    audio, rate = soundfile.read(folder / saved[0], dtype="float32")
    kept = session.segment(1)
    assert kept is not None and rate == 16_000 and np.array_equal(audio, kept.audio)

    heard = list(replay(folder, lanes))
    assert len(heard) == 6
    assert [each.same for each in heard] == [each.reply.state == "answered" or None for each in heard]
    assert sum(each.same is True for each in heard) == 5  # one is too loud for Picky

    corpus = open_corpus(f"folder:{folder}", VOCABULARY)
    assert list(corpus.clips["label"]) == ["1", "0"] and set(corpus.clips["speaker"]) == {"ann"}
    corpora = {"train": f"folder:{tiny_corpus}", "test": f"folder:{folder}"}
    across = read_config(None, {"vocabulary": VOCABULARY, "backends": [planted("Steady")], **SHORT, **corpora})
    finished = run(across, open_for(across), tmp_path / "run", "digitbench run", Silent())
    assert not finished.failures

    later = Folder(folder)
    session, _ = hear(lanes, said(0.2), save=later)
    session.correct(1, "2")
    assert len(open_corpus(f"folder:{folder}", VOCABULARY).clips) == 3


def test_a_saved_file_that_changed_is_told(lanes: Lanes, tmp_path: Path) -> None:
    hear(lanes, said(0.2), save=Folder(tmp_path))
    (file,) = tmp_path.glob("*.wav")
    audio, rate = soundfile.read(file, dtype="float32")
    soundfile.write(file, audio * 0.5, rate, subtype="PCM_16")
    assert [each.same for each in replay(tmp_path, lanes)] == [False, False]
    soundfile.write(file, audio[:100], rate, subtype="PCM_16")
    with pytest.raises(BenchError, match="not as the session wrote it"):
        list(replay(tmp_path, lanes))
    with pytest.raises(BenchError, match=r"no utterances\.jsonl"):
        list(replay(tmp_path / "none", lanes))


def test_nothing_is_saved_over_recordings_of_others(tmp_path: Path) -> None:
    (tmp_path / "clips.csv").write_text("path,label\na.wav,1\n")
    with pytest.raises(BenchError, match="no session wrote"):
        Folder(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BenchError, match="--save"):
        Folder(tmp_path / "file")


def test_a_full_disk_is_told_and_costs_no_lane(lanes: Lanes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folder, "_append", full)
    session = Session(lanes, Gate, RATE, lambda event: None, save=folder)
    with pytest.raises(BenchError, match="No space left"):
        session.push(said(0.2))
    assert {state.state for state in lanes.states()} == {"ready"}

"""The socket of the page: what it says, who is let go, and what is kept of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from bench.live import server_talk
from bench.live.server_app import MOST_CLIENTS
from sound.activity import RATE
from tests.bench.live.running import beep, candidate, hush
from tests.bench.live.serving import LABELS, TOKEN, Served, blocks, hears, pcm, say, served, spoken
from tests.bench.live.test_server_decode import coded

pytest.importorskip("starlette", reason="needs starlette: pip install 'digitbench[serve]'")
pytest.importorskip("uvicorn", reason="needs uvicorn: pip install 'digitbench[serve]'")
websockets = pytest.importorskip("websockets", reason="needs websockets: pip install 'digitbench[serve]'")

pytestmark = pytest.mark.usefixtures("patient")


@pytest.mark.parametrize(
    ("origin", "query"),
    [("http://evil.example", f"?token={TOKEN}"), (None, ""), (None, "?token=x"), ("null", f"?token={TOKEN}")],
)
def test_sockets_of_others_are_refused(server: Served, origin: str | None, query: str) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus, match="403"), server.talk(origin, query):
        pass


def test_a_page_hears_answers_as_they_come(server: Served) -> None:
    with server.talk() as talk:
        hello = hears(talk, "hello")
        assert hello["labels"] == LABELS and not hello["saving"]
        assert [backend["state"] for backend in hello["backends"]] == ["ready", "ready"]
        say(talk, "start", stream=1, rate=48_000, mode="vad")
        for block in blocks(spoken(0.2)):
            talk.send(block)
        hears(talk, "speech", stream=1)
        cut = hears(talk, "cut", final=True)
        assert cut["onset_s"] == pytest.approx(0.5, abs=0.1) and cut["offset_s"] == pytest.approx(0.9, abs=0.1)
        for _ in hello["backends"]:
            answer = hears(talk, "answer", final=True)
            assert answer["state"] == "answered" and answer["utterance"] == cut["utterance"]
            assert answer["scores"][0][1] >= answer["scores"][-1][1]
            assert {"vad", "queue", "features", "model"} <= set(answer["latency_s"])
        say(talk, "label", stream=1, utterance=1, label=LABELS[1])
        assert hears(talk, "corrected")["label"] == LABELS[1]
        say(talk, "label", stream=9, utterance=1, label=LABELS[1])
        assert "too long ago" in hears(talk, "problem")["text"]


def test_push_to_talk_hears_what_lies_between(server: Served) -> None:
    with server.talk() as talk:
        for stream in (1, 2):
            say(talk, "start", stream=stream, rate=RATE, mode="push")
            talk.send(pcm(hush(0.3)))
            say(talk, "press")
            talk.send(pcm(np.concatenate((hush(0.2), beep(), hush(0.2)))))
            say(talk, "stop")
            cut = hears(talk, "cut", stream=stream, final=True)
            assert cut["onset_s"] == pytest.approx(0.5, abs=0.1)
            assert hears(talk, "answer", stream=stream, final=True)["state"] == "answered"


def test_a_file_through_the_page_is_what_predict_says(server: Served) -> None:
    file = coded("FLAC", rate=8_000)
    told = server.predict(file)[1]
    with server.talk() as talk:
        say(talk, "upload")
        talk.send(file)
        assert hears(talk, "cut", stream=0)["offset_s"] == pytest.approx(0.4)
        heard = [hears(talk, "answer", stream=0) for _ in told]
        for answer in heard:
            (alike,) = (each for each in told if each["backend"] == answer["backend"])
            assert answer["label"] == alike["digit"]
            assert dict(answer["scores"]) == pytest.approx(alike["probs"], abs=1e-5)
        say(talk, "upload")
        talk.send(b"no sound")
        assert "cannot be heard" in hears(talk, "problem")["text"]


@pytest.mark.parametrize(
    "message",
    [
        "no json",
        "[" * 1_000,
        "x" * 5_000,
        '{"type": "unknown"}',
        '{"type": "start", "stream": 1, "rate": 1, "mode": "vad"}',
        '{"type": "start", "stream": 1, "rate": 1e9, "mode": "vad"}',
        '{"type": "start", "stream": 1, "rate": 999999999, "mode": "vad"}',
        '{"type": "start", "stream": -1, "rate": 8000, "mode": "vad"}',
        '{"type": "start", "stream": 1, "rate": 8000, "mode": "other"}',
        '{"type": "press"}',
        '{"type": "label", "stream": 1, "utterance": 1, "label": "../../etc/passwd"}',
        '{"type": "label", "stream": 1, "utterance": 1, "label": ["0"]}',
        b"\0\0",
        b"\0",
    ],
)
def test_a_page_that_breaks_the_rules_is_let_go(server: Served, message: str | bytes) -> None:
    with server.talk() as talk, pytest.raises(websockets.exceptions.ConnectionClosed) as caught:
        hears(talk, "hello")
        talk.send(message)
        hears(talk, "never")
    assert caught.value.rcvd is not None and caught.value.rcvd.code in (1008, 4002)


def test_sound_that_comes_too_fast_is_refused(server: Served) -> None:
    with server.talk() as talk, pytest.raises(websockets.exceptions.ConnectionClosed) as caught:
        say(talk, "start", stream=1, rate=4_000, mode="vad")
        for _ in range(30):
            talk.send(bytes(8_000))
        hears(talk, "never")
    assert caught.value.rcvd is not None and caught.value.rcvd.code == 4002


def test_a_frame_is_bounded(server: Served) -> None:
    with server.talk() as talk, pytest.raises(websockets.exceptions.ConnectionClosed) as caught:
        talk.send(bytes(server_talk.MOST_BYTES + 2))
        hears(talk, "never")
    told = caught.value.rcvd  # what the server left unread may end the connection before its reason comes through
    assert told is None or told.code == 1009


def test_ten_pages_at_once_and_no_more_than_the_most(server: Served) -> None:
    from contextlib import ExitStack

    with ExitStack() as stack:
        talks = [stack.enter_context(server.talk()) for _ in range(10)]
        for talk in talks:
            hears(talk, "hello")
            say(talk, "start", stream=1, rate=RATE, mode="vad")
        for block in blocks(spoken(0.2, rate=RATE), 6_400):
            for talk in talks:
                talk.send(block)
        for talk in talks:
            for name in server.studio.lanes.names:
                assert hears(talk, "answer", final=True)["state"] == "answered", name
        for _ in range(MOST_CLIENTS - len(talks)):
            hears(stack.enter_context(server.talk()), "hello")
        with server.talk() as late, pytest.raises(websockets.exceptions.ConnectionClosed) as caught:
            hears(late, "hello")
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 4001


def test_nothing_is_kept_unless_asked(server: Served, tmp_path: Path) -> None:
    assert server.studio.save is None
    assert {path.name for path in server.studio.decoder.folder.iterdir()} <= {"decoder.log"}


def test_a_disk_that_takes_no_more_is_said(tmp_path: Path) -> None:
    with served([candidate("Quick")], LABELS, tmp_path / "kept") as other, other.talk() as talk:
        hears(talk, "hello")
        shutil.rmtree(tmp_path / "kept")
        say(talk, "start", stream=1, rate=RATE, mode="vad")
        for block in blocks(spoken(0.2, rate=RATE), 640):
            talk.send(block)
        assert "--save" in hears(talk, "problem")["text"]
        say(talk, "start", stream=2, rate=RATE, mode="push")
        say(talk, "press")
        talk.send(spoken(0.2, rate=RATE))
        say(talk, "stop")
        assert "--save" in hears(talk, "problem")["text"]
        say(talk, "upload")
        talk.send(coded())
        assert hears(talk, "answer", stream=0)["state"] == "answered", "what need not be saved is answered"

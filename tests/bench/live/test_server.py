"""The server as it runs: the page, /predict, the socket; who is refused, what is bounded, and how it ends."""

from __future__ import annotations

import io
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bench.errors import BenchError
from bench.live import server_app, server_talk
from bench.live.saving import PREDICTIONS, saved
from bench.live.scores import probabilities
from bench.live.server import TOKEN as TOKEN_NAME
from bench.live.server import Address, listening, token
from bench.live.server_app import MOST_CLIENTS
from bench.live.server_guard import OPEN, Buckets
from bench.recogniser import recognise
from bench.workers.parent import ROOT
from sound.activity import RATE, EnergyGate
from sound.framing import handed
from tests.bench.live.people import Quick
from tests.bench.live.running import PEOPLE, beep, candidate, config, hush
from tests.bench.live.serving import TOKEN, Served, hears, pcm, say, served
from tests.bench.live.test_server_decode import coded, muxed
from tests.bench.running import VOCABULARY

pytest.importorskip("starlette", reason="needs starlette: pip install 'digitbench[serve]'")
pytest.importorskip("uvicorn", reason="needs uvicorn: pip install 'digitbench[serve]'")
websockets = pytest.importorskip("websockets", reason="needs websockets: pip install 'digitbench[serve]'")

LABELS = list(VOCABULARY)


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served([candidate("Quick"), candidate("Picky")], LABELS) as running:
        yield running


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests ask faster than people."""
    monkeypatch.setattr(Buckets, "take", lambda self, address: True)


def spoken(*levels: float, rate: int = 48_000) -> bytes:
    parts = [part for level in levels for part in (beep(level, rate=rate), hush(0.5, rate))]
    return pcm(np.concatenate((hush(0.5, rate), *parts)))


def blocks(sound: bytes, size: int = 1_920) -> Iterator[bytes]:
    return (sound[start : start + size] for start in range(0, len(sound), size))


def test_the_page_and_its_files(server: Served) -> None:
    status, page, headers = server.request("GET", f"/?token={TOKEN}")
    assert status == 200 and b"<h1" in page and headers["content-type"].startswith("text/html")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script-src 'self'" in policy
    assert headers["referrer-policy"] == "no-referrer" and headers["x-content-type-options"] == "nosniff"
    for path in OPEN:
        status, _, headers = server.request("GET", path)
        assert status == 200 and headers["content-type"].split("/")[1][:3] in ("css", "jav")
    named = {name for name in OPEN if name[1:].encode() in page}
    assert {"/page.css", "/page.js"} <= named
    assert {path.name for path in (ROOT / "bench" / "live" / "page").iterdir()} == {
        *(p[1:] for p in OPEN),
        "index.html",
    }


@pytest.mark.parametrize(
    "path",
    ["/page.py", "/../server.py", "/%2e%2e/server.py", "/page.js/../../server.py", "//etc/passwd", "/index.html"],
)
def test_nothing_else_can_be_had(server: Served, path: str) -> None:
    assert server.request("GET", f"{path}?token={TOKEN}")[0] in (403, 404)


def test_methods_and_tokens(server: Served) -> None:
    assert server.request("GET", "/")[0] == 403
    assert server.request("GET", "/?token=wrong")[0] == 403
    assert server.request("GET", f"/predict?token={TOKEN}")[0] == 405
    assert server.request("DELETE", f"/?token={TOKEN}")[0] == 405
    assert server.request("POST", "/predict", coded())[0] == 403
    assert server.request("POST", "/predict", coded(), {"authorization": f"Bearer {TOKEN}"})[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
    ],
)
def test_other_hosts_and_origins_are_refused(server: Served, headers: dict[str, str]) -> None:
    status, said, strict = server.request("POST", f"/predict?token={TOKEN}", coded(), headers)
    assert status == 403 and "error" in json.loads(said)
    assert "content-security-policy" in strict


@pytest.mark.parametrize(
    ("origin", "query"),
    [("http://evil.example", f"?token={TOKEN}"), (None, ""), (None, "?token=x"), ("null", f"?token={TOKEN}")],
)
def test_sockets_of_others_are_refused(server: Served, origin: str | None, query: str) -> None:
    with pytest.raises(websockets.exceptions.InvalidStatus, match="403"), server.talk(origin, query):
        pass


def test_predict_lists_what_each_backend_heard(server: Served) -> None:
    status, answers = server.predict(coded())
    assert status == 200 and [answer["backend"] for answer in answers] == list(server.studio.lanes.names)
    quick = answers[0]
    assert set(quick) == {"digit", "probs", "latency_ms", "backend"}
    assert quick["digit"] in LABELS and quick["latency_ms"] > 0
    assert sum(quick["probs"].values()) == pytest.approx(1)
    assert list(quick["probs"]) == LABELS


def test_bare_samples_are_the_file_itself(server: Served) -> None:
    rate = 8_000
    bare_samples = pcm(beep(rate=rate))
    file = server.predict(coded(rate=rate, audio=np.frombuffer(bare_samples, "<i2")))[1]
    bare = server.predict(bare_samples, content_type=f"audio/pcm;rate={rate}")[1]
    assert [answer["probs"] for answer in file] == [answer["probs"] for answer in bare]


def test_what_a_browser_records_is_heard(server: Served) -> None:
    status, answers = server.predict(muxed("webm", "libopus"), content_type="audio/webm;codecs=opus")
    assert status == 200 and answers[0]["digit"] in LABELS


def test_a_backend_that_fails_says_so_and_the_other_answers(server: Served) -> None:
    quick, picky = server.predict(coded(audio=beep(0.9)))[1]
    assert quick["digit"] is not None
    assert picky["digit"] is None and "too loud" in picky["error"]


@pytest.mark.parametrize(
    ("body", "kind", "status", "why"),
    [
        (b"", "", 400, "empty"),
        (b"hello", "text/plain", 422, "not audio"),
        (b"RIFF", "audio/wav", 422, ""),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415, "--data-binary"),
        (b"\0\0\0", "audio/pcm;rate=8000", 422, "whole number"),
        (bytes(server_talk.MOST_BYTES + 1), "audio/wav", 413, "4 MB"),
    ],
)
def test_bodies_that_are_no_sound(server: Served, body: bytes, kind: str, status: int, why: str) -> None:
    got, said = server.predict(body, content_type=kind)
    assert got == status and why in said["error"]


def raw(server: Served, head: str, body: bytes = b"", wait: bool = True) -> bytes:
    """What comes back on a bare connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as line:
        text = f"POST /predict?token={TOKEN} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n{head}\r\n"
        line.sendall(text.encode() + body)
        return line.recv(4_096) if wait else b""


def test_a_body_is_counted_whatever_it_claims(server: Served) -> None:
    chunk = b"%x\r\n" % 2_000_000 + bytes(2_000_000) + b"\r\n"
    assert b" 413 " in raw(server, "Transfer-Encoding: chunked\r\n", chunk * 3)
    assert b" 413 " in raw(server, "Content-Length: 99999999999\r\n", bytes(server_talk.MOST_BYTES + 1))


def test_a_body_that_does_not_come_is_not_waited_for(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_app, "BODY_S", 0.2)
    assert b" 408 " in raw(server, "Content-Length: 1000\r\n", b"RIFF")


def test_abrupt_ends_harm_nobody(server: Served) -> None:
    raw(server, "Content-Length: 1000\r\n", b"RIFF", wait=False)
    raw(server, "Transfer-Encoding: chunked\r\n", b"zz\r\n", wait=False)
    for _ in range(3):
        with server.talk() as talk:
            hears(talk, "hello")
            say(talk, "start", stream=1, rate=48_000, mode="vad")
            talk.send(spoken(0.2)[:60_000])
            talk.socket.close()  # no farewell
    with server.talk() as talk:
        say(talk, "upload")
    assert server.predict(coded())[0] == 200
    deadline = time.monotonic() + 60
    while server.studio.talks and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not server.studio.talks


def test_requests_are_limited_by_number(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Buckets, "take", lambda self, address: False)
    status, _, headers = server.request("POST", f"/predict?token={TOKEN}", coded())
    assert status == 429 and headers["retry-after"]


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


def test_scores_become_shares() -> None:
    assert probabilities({"a": 0.25, "b": 0.75}) == {"a": 0.25, "b": 0.75}
    assert probabilities({"a": -1.0, "b": -1.0}) == {"a": 0.5, "b": 0.5}
    assert probabilities({"a": -1e9, "b": 5.0}) == {"a": 0.0, "b": 1.0}
    assert probabilities({}) == {}


def test_a_port_in_use_is_told() -> None:
    with listening(Address(port=0)) as first:
        port = first.getsockname()[1]
        with pytest.raises(BenchError, match=f"--port {port}: in use"):
            listening(Address(port=port))
    with pytest.raises(BenchError, match="cannot be listened on"):
        listening(Address("203.0.113.7", 0))


def test_a_token_is_new_each_time_or_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN_NAME, raising=False)
    assert token() != token() and len(token()) >= 32
    monkeypatch.setenv(TOKEN_NAME, "0123456789abcdef")
    assert token() == "0123456789abcdef"
    monkeypatch.setenv(TOKEN_NAME, "short")
    with pytest.raises(BenchError, match="16 characters"):
        token()


COMMAND = [sys.executable, "-m", "bench", "serve"]


def started(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """The command as users run it, and the address that it printed."""
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", *arguments], cwd=ROOT, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("open "):
            return process, line.split()[1]
    pytest.fail(f"it ended with code {process.wait()}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_it_is_stopped(number: signal.Signals, tmp_path: Path) -> None:
    process, address = started("--backends", f"{PEOPLE}:Quick", "--save", str(tmp_path / "kept"))
    assert process.stderr is not None
    port = int(address.split(":")[2].split("/")[0])
    said = address.partition("token=")[2]
    server = Served(port, None)  # type: ignore[arg-type]
    assert server.request("GET", f"/?token={said}")[0] == 200
    assert server.request("GET", f"/?token={TOKEN}")[0] == 403
    status, answer = server.request("POST", "/predict", coded(), {"authorization": f"Bearer {said}"})[:2]
    assert status == 200 and json.loads(answer)["backend"].endswith("Quick"), "one alone is no list"
    with server.talk(query=f"?token={said}") as talk:
        assert hears(talk, "hello")["saving"]
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    rest = process.stderr.read()
    assert "Traceback" not in rest and said not in rest.replace(address, "")


def test_what_cannot_be_served_is_one_line(tmp_path: Path) -> None:
    def complains(*arguments: str) -> str:
        done = subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and done.stderr.splitlines()[-1].startswith("error: ")
        assert "Traceback" not in done.stderr
        return done.stderr

    quick = ("--backends", f"{PEOPLE}:Quick")
    with listening(Address(port=0)) as taken:
        assert "in use" in complains(*quick, "--port", str(taken.getsockname()[1]))
    assert "--origin" in complains(*quick, "--port", "0", "--host", "0.0.0.0")
    assert "--host here" in complains(*quick, "--host", "here")
    assert "no weights" in complains("--backends", f"{PEOPLE}:Broken", "--port", "0")
    (tmp_path / "file").write_text("")
    assert "--save" in complains(*quick, "--port", "0", "--save", str(tmp_path / "file"))


def answers(folder: Path) -> list[dict[str, Any]]:
    """What a saved session was told, without the times."""
    told = [json.loads(line) for line in (folder / PREDICTIONS).read_text().splitlines()]
    return [{name: each[name] for name in ("label", "scores", "text")} for each in told]


def test_the_page_the_terminal_and_a_file_get_the_same_scores(server: Served, tmp_path: Path) -> None:
    """One recording: streamed by a page in blocks of its own, heard by the terminal in real time; and what the backend
    was handed of it, as files."""
    sound = spoken(0.2, 0.25, rate=RATE)
    soundfile.write(tmp_path / "said.wav", np.frombuffer(sound, "<i2"), RATE, subtype="PCM_16")
    with served([candidate("Quick")], LABELS, tmp_path / "page", EnergyGate) as other, other.talk() as talk:
        say(talk, "start", stream=1, rate=RATE, mode="vad")
        for block in blocks(sound, 2 * 777):
            talk.send(block)
        say(talk, "stop")
        for number in (1, 2):
            hears(talk, "answer", utterance=number, final=True)

    words = "vocabulary = {0 = ['zero'], 1 = ['one'], 2 = ['two']}"
    options = ("--backends", f"{PEOPLE}:Quick", "--vad", "energy", "--set", words, "--input", tmp_path / "said.wav")
    subprocess.run(
        [sys.executable, "-m", "bench", "live", *map(str, options), "--json", "--save", str(tmp_path / "terminal")],
        cwd=ROOT, capture_output=True, stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip

    files = []
    for number, kept in enumerate(saved(tmp_path / "page")):
        files.append(tmp_path / f"{number}.wav")
        soundfile.write(files[-1], handed(kept.segment, Quick.context_s), RATE, subtype="PCM_16")
    heard = list(recognise(config(), None, f"{PEOPLE}:Quick", files, io.BytesIO()))
    of_files = [{"label": each.label, "scores": each.scores, "text": each.text} for each in heard]
    assert len(of_files) == 2
    assert answers(tmp_path / "page") == answers(tmp_path / "terminal") == of_files
    for file, each in zip(files, heard, strict=True):
        posted = server.predict(file.read_bytes())[1][0]
        assert (posted["digit"], posted["probs"]) == (each.label, probabilities(each.scores or {}))


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

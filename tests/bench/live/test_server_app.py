"""The routes: the page and its files, ``POST /predict``; who is refused and what is bounded."""

from __future__ import annotations

import json
import socket
import time

import numpy as np
import pytest

from bench.live import server_app, server_talk
from bench.live.server_guard import OPEN, Buckets
from bench.workers.parent import ROOT
from tests.bench.live.running import beep
from tests.bench.live.serving import LABELS, TOKEN, Served, hears, pcm, say, spoken
from tests.bench.live.test_server_decode import coded, muxed

pytest.importorskip("starlette", reason="needs starlette: pip install 'digitbench[serve]'")
pytest.importorskip("uvicorn", reason="needs uvicorn: pip install 'digitbench[serve]'")
pytest.importorskip("websockets", reason="needs websockets: pip install 'digitbench[serve]'")

pytestmark = pytest.mark.usefixtures("patient")


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

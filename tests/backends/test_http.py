"""The http backend against a server of this machine: right, slow, wrong, silent, busy, and one that tells the key."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from backends.base import BackendError
from backends.http import PATH, Http
from bench.audio import write
from bench.configfile import read_config
from bench.corpora import open_for
from bench.marks import open_run
from bench.report import build
from bench.runfile import Finished
from bench.runner import run
from tests.bench.running import Silent
from tests.conftest import tone

pytest.importorskip("urllib3")

KEY = "sk-very-secret-key"
AUDIO = (0.1 * np.random.default_rng(0).standard_normal(32_000)).astype(np.float32)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEECH_KEY", KEY)


def backend(url: str, **options: Any) -> Http:
    made = Http(
        {}, "whisper-1", **{"url": url, "key_variable": "SPEECH_KEY", "timeout_s": 2.0, "retries": 0, **options}
    )
    made.prepare()
    made.load()
    return made


def at(server: HTTPServer) -> str:
    return str(server.url_for("/v1"))


def test_a_clip_becomes_a_transcript(httpserver: HTTPServer) -> None:
    asked: list[Request] = []
    sent: dict[str, Any] = {}

    def answer(request: Request) -> Response:
        asked.append(request)
        sent.update(request.form.to_dict(), audio=request.files["file"].read())
        return Response(json.dumps({"text": " Good morning. "}), headers={"openai-processing-ms": "120"})

    httpserver.expect_request(f"/v1{PATH}", method="POST").respond_with_handler(answer)
    made = backend(at(httpserver), price_a_minute=0.006, language="de")
    prediction = made.predict(AUDIO)
    assert prediction.text == "Good morning." and prediction.label is None
    assert prediction.facts is not None
    assert prediction.facts["server_s"] == 0.12 and prediction.facts["network_s"] > 0
    assert prediction.facts["price"] == pytest.approx(0.006 * 2 / 60) and prediction.facts["retries"] == 0
    assert asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert {**sent, "audio": b""} == {
        "model": "whisper-1", "language": "de", "response_format": "json", "temperature": "0", "audio": b"",
    }  # fmt: skip
    heard, rate = soundfile.read(io.BytesIO(sent["audio"]), dtype="float32")
    assert rate == 16_000 and np.abs(heard - AUDIO).max() < 1e-4
    assert KEY not in json.dumps(made.settings()) and made.online


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (401, "the key is not accepted"),
        (404, "no such model"),
        (413, "too long"),
        (429, "too many requests"),
        (418, "refused"),
    ],
)
def test_a_refusal_is_said_without_the_key(httpserver: HTTPServer, status: int, word: str) -> None:
    httpserver.expect_request(f"/v1{PATH}").respond_with_data(f"bad key {KEY}", status=status)
    with pytest.raises(BackendError, match=rf"{word}.*status {status}.*bad key \*\*\*") as caught:
        backend(at(httpserver)).predict(AUDIO)
    assert KEY not in str(caught.value)


def test_a_busy_server_is_asked_again(httpserver: HTTPServer) -> None:
    url = f"/v1{PATH}"
    httpserver.expect_ordered_request(url).respond_with_data("busy", status=429, headers={"Retry-After": "0"})
    httpserver.expect_ordered_request(url).respond_with_data("busy", status=503, headers={"Retry-After": "0"})
    httpserver.expect_ordered_request(url).respond_with_json({"text": "at last"})
    prediction = backend(at(httpserver), retries=2).predict(AUDIO)
    assert prediction.text == "at last" and prediction.facts is not None and prediction.facts["retries"] == 2


@pytest.mark.parametrize("answer", ["no json", "[]", '{"words": "x"}', '{"text": 5}', "null", ""])
def test_what_is_no_transcript_is_said(httpserver: HTTPServer, answer: str) -> None:
    httpserver.expect_request(f"/v1{PATH}").respond_with_data(answer)
    with pytest.raises(BackendError, match="the answer is no transcript"):
        backend(at(httpserver)).predict(AUDIO)


def test_a_slow_server_is_not_waited_for(httpserver: HTTPServer) -> None:
    gone = threading.Event()

    def dawdle(request: Request) -> Response:
        gone.wait(5)
        return Response('{"text": "late"}')

    httpserver.expect_request(f"/v1{PATH}").respond_with_handler(dawdle)
    began = time.monotonic()
    with pytest.raises(BackendError, match=r"no answer within 0.2 s"):
        backend(at(httpserver), timeout_s=0.2).predict(AUDIO)
    assert time.monotonic() - began < 5  # the server's own delay
    gone.set()


@pytest.fixture
def silent() -> Iterator[str]:
    """A socket that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


def test_a_silent_server_is_not_waited_for(silent: str) -> None:
    with pytest.raises(BackendError, match=r"no answer within 0.2 s"):
        backend(silent, timeout_s=0.2).predict(AUDIO)


def test_nobody_there_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(BackendError, match="no connection"):
        backend(f"http://127.0.0.1:{port}/v1").predict(AUDIO)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"url": ""}, "option url must be such as"),
        ({"url": "ftp://x/v1"}, "option url must be such as"),
        ({"url": "https://me:word@host/v1"}, "holds a name or password"),
        ({"url": "https://host/v1", "timeout_s": 0}, "timeout_s must be"),
        ({"url": "https://host/v1", "price_a_minute": -1}, "price_a_minute must be"),
        ({"url": "https://host/v1", "retries": -1}, "retries must be"),
    ],
)
def test_impossible_options_are_named(options: dict[str, Any], word: str) -> None:
    with pytest.raises(BackendError, match=word):
        Http({}, "m", **options)


def test_a_model_must_be_named() -> None:
    with pytest.raises(BackendError, match="needs the name of a model"):
        Http({}, url="https://host/v1")


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEECH_KEY")
    with pytest.raises(BackendError, match="no key in the environment variable SPEECH_KEY"):
        backend("https://host/v1")
    assert backend("https://host/v1", key_variable="")


def test_a_run_may_ask_elsewhere_and_records_hold_no_key(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request(f"/v1{PATH}").respond_with_json({"text": "one two three"})
    done, folder = transcribed(at(httpserver), tmp_path)
    assert not done.failures
    made = open_run(folder)
    assert made.predictions["text"].tolist() == ["one two three"] * 2
    assert all(facts["network_s"] > 0 for facts in made.predictions["facts"])
    said = json.loads((folder / "run.json").read_text())
    assert said["backends"][0]["settings"]["online"] is True
    assert "Asked elsewhere, over the network, clip by clip: http:whisper-1" in build(made).markdown
    assert not [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_run_goes_on_where_an_endpoint_is_busy_and_resumes(httpserver: HTTPServer, tmp_path: Path) -> None:
    url = f"/v1{PATH}"
    httpserver.expect_ordered_request(url).respond_with_json({"text": "one two three"})
    httpserver.expect_ordered_request(url).respond_with_data("later", status=429)
    done, folder = transcribed(at(httpserver), tmp_path)
    assert [failure.backend for failure in done.failures] == ["http:whisper-1"]
    assert "too many requests" in done.failures[0].reason and "(status 429): later" in done.failures[0].reason
    httpserver.clear()
    httpserver.expect_request(url).respond_with_json({"text": "one"})
    again, folder = transcribed(at(httpserver), tmp_path)
    assert not again.failures
    assert sorted(open_run(folder).predictions["text"]) == ["one", "one two three"]  # what was heard is kept


def transcribed(url: str, root: Path) -> tuple[Finished, Path]:
    """A run of two clips."""
    if not (root / "clips.csv").exists():
        for name, hertz in (("a", 400), ("b", 700)):
            write(root / f"{name}.wav", tone(hertz), 16_000)
        (root / "clips.csv").write_text("path,text\na.wav,one two three\nb.wav,one two\n")
    options = {"url": url, "key_variable": "SPEECH_KEY", "retries": 0, "timeout_s": 5}
    config = read_config(
        None,
        {
            "task": "transcription", "corpus": f"folder:{root}", "backends": ["http:whisper-1"],
            "backend": {"http": options}, "latency_clips": 0, "throughput_s": 0, "checks": False, "jobs": 1,
        },
    )  # fmt: skip
    return run(config, open_for(config), root / "run", "digitbench run", Silent()), root / "run"

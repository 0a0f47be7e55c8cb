"""The server as a command: its port and token, how it ends, and that all who ask are told the same."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bench.errors import BenchError
from bench.live.saving import PREDICTIONS, saved
from bench.live.scores import probabilities
from bench.live.server import TOKEN as TOKEN_NAME
from bench.live.server import Address, listening, token
from bench.recogniser import recognise
from bench.workers.parent import ROOT
from sound.activity import RATE, EnergyGate
from sound.framing import handed
from tests.bench.live.people import Quick
from tests.bench.live.running import PEOPLE, candidate, config
from tests.bench.live.serving import LABELS, TOKEN, Served, blocks, hears, say, served, spoken
from tests.bench.live.test_server_decode import coded

pytest.importorskip("starlette", reason="needs starlette: pip install 'digitbench[serve]'")
pytest.importorskip("uvicorn", reason="needs uvicorn: pip install 'digitbench[serve]'")
pytest.importorskip("websockets", reason="needs websockets: pip install 'digitbench[serve]'")

pytestmark = pytest.mark.usefixtures("patient")


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
    heard = list(recognise(config(), None, f"{PEOPLE}:Quick", files, io.BytesIO))
    of_files = [{"label": each.label, "scores": each.scores, "text": each.text} for each in heard]
    assert len(of_files) == 2
    assert answers(tmp_path / "page") == answers(tmp_path / "terminal") == of_files
    for file, each in zip(files, heard, strict=True):
        posted = server.predict(file.read_bytes())[1][0]
        assert (posted["digit"], posted["probs"]) == (each.label, probabilities(each.scores or {}))

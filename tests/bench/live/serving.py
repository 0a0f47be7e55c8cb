"""A server in a thread of the tests, and those who ask it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.live.lanes import Candidate, open_lanes
from bench.live.saving import Folder
from bench.live.server import Address, _tell_all, listening, make_server
from bench.live.server_decode import Decoder
from bench.live.server_guard import Gate
from bench.live.server_talk import Studio
from sound import Audio
from sound.stream import FULL_SCALE
from tests.bench.live.running import Gate as Ear
from tests.bench.live.running import beep, hush
from tests.bench.running import VOCABULARY

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

TOKEN = "a-token-for-tests-only"
WAIT_S = 60.0
LABELS = list(VOCABULARY)


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs."""

    port: int
    studio: Studio

    @property
    def origin(self) -> str:
        """As a browser names it."""
        return f"http://127.0.0.1:{self.port}"

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Status, body and headers of an answer."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read(), {name.lower(): text for name, text in answer.getheaders()}
        finally:
            connection.close()

    def predict(self, body: bytes, **headers: str) -> tuple[int, Any]:
        """What ``/predict`` says of a body; headers with ``_`` for ``-``."""
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        status, said, _ = self.request("POST", f"/predict?token={TOKEN}", body, named)
        return status, json.loads(said)

    @contextmanager
    def talk(self, origin: str | None = None, query: str = f"?token={TOKEN}") -> Iterator[ClientConnection]:
        """A page's socket."""
        from websockets.sync.client import connect
        from websockets.typing import Origin

        address = f"ws://127.0.0.1:{self.port}/live{query}"
        named = Origin(origin or self.origin)
        with connect(address, origin=named, open_timeout=WAIT_S, max_size=None) as socket:
            yield socket


@contextmanager
def served(
    candidates: Sequence[Candidate], labels: Sequence[str], save: Path | None = None, ear: Any = Ear, port: int = 0
) -> Iterator[Served]:
    """A server with lanes that are ready."""
    opened = listening(Address(port=port))
    port = opened.getsockname()[1]
    gate = Gate.of("127.0.0.1", port, (), TOKEN)
    talks: set[Any] = set()

    with Decoder() as decoder, open_lanes(candidates, partial(_tell_all, talks)) as lanes:
        assert lanes.wait(120)
        studio = Studio(lanes, tuple(labels), decoder, ear, None if save is None else Folder(save), "ann", talks)
        server = make_server(studio, gate)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]}, daemon=True)
        thread.start()
        try:
            yield Served(port, studio)
        finally:
            server.should_exit = True
            thread.join(WAIT_S)
            assert not thread.is_alive()


def pcm(audio: Audio) -> bytes:
    """16-bit samples, as the page sends them."""
    return (audio * FULL_SCALE).round().clip(-FULL_SCALE, FULL_SCALE - 1).astype("<i2").tobytes()


def hears(socket: ClientConnection, kind: str, **fields: Any) -> dict[str, Any]:
    """The next message of a type that has these values."""
    while True:
        message: dict[str, Any] = json.loads(socket.recv(timeout=WAIT_S))
        if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
            return message


def say(socket: ClientConnection, kind: str, **fields: Any) -> None:
    """Send a message."""
    socket.send(json.dumps({"type": kind, **fields}))


def spoken(*levels: float, rate: int = 48_000) -> bytes:
    """Beeps so loud, with half a second between them, as a page sends them."""
    parts = [part for level in levels for part in (beep(level, rate=rate), hush(0.5, rate))]
    return pcm(np.concatenate((hush(0.5, rate), *parts)))


def blocks(sound: bytes, size: int = 1_920) -> Iterator[bytes]:
    """The sound in pieces of so many bytes."""
    return (sound[start : start + size] for start in range(0, len(sound), size))

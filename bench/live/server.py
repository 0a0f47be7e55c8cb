"""``digitbench serve``: listen on an address, hold the lanes, and end cleanly."""

from __future__ import annotations

import errno
import os
import secrets
import socket
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from bench.errors import BenchError
from bench.live.events import Lane
from bench.live.lanes import Candidate, Lanes, open_lanes
from bench.live.saving import Folder
from bench.live.server_app import application
from bench.live.server_decode import Decoder
from bench.live.server_guard import Gate, bracketed, is_loopback, origin
from bench.live.server_talk import MOST_BYTES, Studio, Talk
from bench.making import missing
from sound.activity import Detector, detectors

if TYPE_CHECKING:
    import uvicorn

TOKEN: Final = "DIGITBENCH_TOKEN"
"""The variable that names a token to use; without it each start has a new one."""
PACKAGES: Final = ("starlette", "uvicorn", "websockets")
SHORTEST_TOKEN: Final = 16
MOST_CONNECTIONS: Final = 100
GRACE_S: Final = 2
"""How long connections have to close when the server ends."""
LOOK_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen, and under which origins a proxy shows it."""

    host: str = "127.0.0.1"
    port: int = 8765
    origins: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Serving:
    """What ``digitbench serve`` was asked for."""

    candidates: Sequence[Candidate]
    labels: tuple[str, ...]
    address: Address = Address()
    save: Path | None = None
    speaker: str = ""
    vad: str = "auto"
    threads: int = 1


def check_packages() -> None:
    """Raises BenchError if the extra is not installed."""
    if lacking := missing(PACKAGES):
        raise BenchError(f"digitbench serve {lacking}")


def token() -> str:
    """The one that the environment names, or a new one. Raises BenchError for one that could be guessed."""
    given = os.environ.get(TOKEN)
    if given is None:
        return secrets.token_urlsafe(24)
    if len(given) < SHORTEST_TOKEN:
        raise BenchError(f"{TOKEN}: {SHORTEST_TOKEN} characters at least are wanted; leave it unset for a new one")
    return given


def listening(address: Address) -> socket.socket:
    """A socket that listens, port 0 for any that is free. Raises BenchError when it cannot be had."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    is_loopback(address.host)  # before it is bound: it says what is wrong with a name
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address.host, address.port))
        opened.listen(128)
    except OSError as error:
        opened.close()
        if error.errno == errno.EADDRINUSE:
            raise BenchError(
                f"--port {address.port}: in use, perhaps by another digitbench serve; name another one, 0 for any"
            ) from error
        raise BenchError(
            f"--host {address.host} --port {address.port}: cannot be listened on ({error.strerror})"
        ) from error
    return opened


def make_server(studio: Studio, gate: Gate) -> uvicorn.Server:
    """The server, which listens once it is run with a socket."""
    import uvicorn

    config = uvicorn.Config(
        application(studio, gate),
        access_log=False,  # logs would hold the token
        log_config=None,
        log_level="warning",
        lifespan="off",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MOST_BYTES + 1,
        ws_per_message_deflate=False,  # sound does not deflate, and bombs would inflate
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=GRACE_S,
        limit_concurrency=MOST_CONNECTIONS,
    )
    return uvicorn.Server(config)


def serve(asked: Serving, say: Callable[[str], None]) -> None:
    """Serve until a signal ends it. ``say`` is told what there is to tell, the address to open at last.

    Raises BenchError where it cannot be done; KeyboardInterrupt once a signal is obeyed.
    """
    check_packages()
    secret = token()
    address = asked.address
    with ExitStack() as stack:
        opened = stack.enter_context(listening(address))
        port = opened.getsockname()[1]
        gate = Gate.of(address.host, port, address.origins, secret)
        save = None if asked.save is None else Folder(asked.save)
        detector = _detectors(asked.vad)
        talks: set[Talk] = set()
        tell = partial(_tell_all, talks)
        lanes = stack.enter_context(open_lanes(asked.candidates, tell, threads=asked.threads))
        say(f"starting {', '.join(lanes.names)}")
        _wait(lanes, say)
        decoder = stack.enter_context(Decoder())
        studio = Studio(lanes, asked.labels, decoder, detector, save, asked.speaker, talks)
        for each in [origin(text) for text in address.origins] or [f"http://{bracketed(address.host)}:{port}"]:
            say(f"open {each}/?token={quote(secret)}")
        if not is_loopback(address.host):
            say("note: other machines can reach this, unencrypted: put TLS in front of it (docs/live.md)")
        say("Ctrl-C ends it")
        make_server(studio, gate).run(sockets=[opened])


def _detectors(name: str) -> Callable[[], Detector]:
    try:
        return detectors(name)
    except (ValueError, ModuleNotFoundError, FileNotFoundError) as error:
        raise BenchError(f"--vad {name}: {error}") from error


def _wait(lanes: Lanes, say: Callable[[str], None]) -> None:
    """Until each is ready or unusable. Raises BenchError if none is ready."""
    while not lanes.wait(LOOK_S):
        pass
    left_out = [f"{lane.backend}: {lane.reason}" for lane in lanes.states() if lane.state == "unusable"]
    if len(left_out) == len(lanes.names):
        raise BenchError("; ".join(left_out))
    for line in left_out:
        say(f"left out: {line}")


def _tell_all(talks: Collection[Talk], state: Lane) -> None:
    """Every page hears of a lane's new state; from any thread."""
    for talk in tuple(talks):
        talk.tell(0, state)

"""Who may ask the server, and how often: exact Host and Origin, a token, buckets of requests. Knows nothing of sound.

A page of another site can make a browser send requests to an address of this machine. What tells them apart is the
``Origin`` that the browser adds (no page can change it), and, where a name was made to point here (DNS rebinding), the
``Host``. The token keeps other users of the machine out.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from bench.errors import BenchError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
OPEN = frozenset({"/page.css", "/page.js", "/microphone.js", "/capture.js", "/spectrogram.js", "/view.js"})
"""What needs no token: it is the same for everybody and says nothing."""
MOST_ADDRESSES = 1_000
DEFAULT_PORTS = {"http": 80, "https": 443}

Refusal = tuple[int, str]
"""Status and a sentence."""


@dataclass(frozen=True, slots=True)
class Gate:
    """What a request must carry. ``hosts`` and ``origins`` are compared letter by letter, in lower case."""

    hosts: frozenset[str]
    origins: frozenset[str]
    token: str

    @classmethod
    def of(cls, host: str, port: int, public: Iterable[str], token: str) -> Gate:
        """For a server at an address, and the addresses under which a proxy or a router shows it.

        Raises BenchError for an origin that is none, or an address that leaves open what people will type.
        """
        names = LOOPBACK if is_loopback(host) else () if ip(host).is_unspecified else (bracketed(host),)
        origins = {f"http://{name}{'' if port == 80 else f':{port}'}" for name in names}
        origins |= {origin(text) for text in public}
        if not origins:
            raise BenchError(
                f"--host {host}: every address of this machine; say which one people type, such as"
                f" --origin http://192.168.1.5:{port}"
            )
        hosts = {urlsplit(each).netloc for each in origins} | {f"{name}:{port}" for name in names}
        return cls(frozenset(hosts), frozenset(origins), token)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why a request is turned away, or None."""
        headers = _headers(scope["headers"])
        if [host.lower() for host in headers.get("host", [])] not in [[name] for name in self.hosts]:
            return 403, "this server answers under its own address alone; open the one that it printed"
        socket = scope["type"] == "websocket"
        named = headers.get("origin", [])
        foreign = named not in [[name] for name in self.origins]
        if (socket or scope["method"] not in ("GET", "HEAD")) and foreign and (named or socket):
            return 403, "asked by a page of another origin"
        if (socket or scope["path"] not in OPEN) and not self._known(scope, headers):
            return 403, "no token, or an old one: open the address that digitbench serve printed when it started"
        return None

    def _known(self, scope: Scope, headers: Mapping[str, list[str]]) -> bool:
        query = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=20).get("token", [])
        bearer = [text[7:] for text in headers.get("authorization", []) if text[:7].lower() == "bearer "]
        given = [*query, *bearer]
        return len(given) == 1 and hmac.compare_digest(given[0].encode(), self.token.encode())


class Guard:
    """ASGI: lets through what the gate lets through, and adds the headers that tell a browser to be strict."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app = app
        self._gate = gate
        self._headers = [(name.encode(), text.encode()) for name, text in _strict(gate.origins).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *self._headers]}
            await send(message)

        try:
            refused = self._gate.refusal(scope)
        except ValueError:  # a query of very many fields
            refused = 400, "the address has too many parts"
        if refused is None:
            await self._app(scope, receive, answer)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": refused[1]})  # before it is accepted: 403
        else:
            from starlette.responses import JSONResponse

            await JSONResponse({"error": refused[1]}, refused[0])(scope, receive, answer)


class Bucket:
    """So much at once, and so much a second after that."""

    def __init__(self, size: float, rate: float) -> None:
        self._size, self._rate = size, rate
        self._left, self._at = size, monotonic()

    def take(self, amount: float = 1.0) -> bool:
        """Whether so much is there; if so, it is taken."""
        now = monotonic()
        self._left = min(self._size, self._left + (now - self._at) * self._rate)
        self._at = now
        if amount > self._left:
            return False
        self._left -= amount
        return True


class Buckets:
    """One for every address, of the last thousand."""

    def __init__(self, size: float, rate: float) -> None:
        self._size, self._rate = size, rate
        self._kept: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str) -> bool:
        """Whether this address may ask once more."""
        bucket = self._kept.setdefault(address, Bucket(self._size, self._rate))
        self._kept.move_to_end(address)
        if len(self._kept) > MOST_ADDRESSES:
            self._kept.popitem(last=False)
        return bucket.take()


def ip(host: str) -> IPv4Address | IPv6Address:
    """An IPv4 or IPv6 address. Raises BenchError for a name: what it means is for others to say."""
    try:
        return ip_address(host)
    except ValueError:
        raise BenchError(f"--host {host}: an IP address of this machine is wanted, such as 127.0.0.1") from None


def is_loopback(host: str) -> bool:
    """Whether no other machine can reach an address. Raises BenchError for what is none."""
    return ip(host).is_loopback


def bracketed(host: str) -> str:
    """An address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def origin(text: str) -> str:
    """``scheme://host[:port]`` as browsers write it. Raises BenchError for anything else."""
    try:
        parts = urlsplit(text.rstrip("/").lower())
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    plain = parts.scheme in DEFAULT_PORTS and parts.hostname and not parts.username
    if not plain or parts.path or parts.query or parts.fragment:
        raise BenchError(f"--origin {text}: scheme and host are wanted, such as https://digits.example")
    shown = "" if port in (None, DEFAULT_PORTS[parts.scheme]) else f":{port}"
    return f"{parts.scheme}://{bracketed(str(parts.hostname))}{shown}"


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in pairs:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


def _strict(origins: Iterable[str]) -> dict[str, str]:
    named = [each for each in origins if "[" not in each]  # policies have no IPv6 addresses
    sockets = " ".join(sorted(f"ws{each.removeprefix('http')}" for each in named))  # Safari: not part of 'self'
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src blob:;"
        f" connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "content-security-policy": policy,
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "microphone=(self), camera=(), geolocation=()",
        "cache-control": "no-store",
    }

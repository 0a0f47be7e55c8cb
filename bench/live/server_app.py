"""The routes: the page and its files, ``POST /predict``, and the socket of the page."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from bench.audio import Audio
from bench.live.lanes import Reply
from bench.live.scores import answer
from bench.live.server_decode import UploadError, pcm
from bench.live.server_guard import OPEN, Buckets, Gate, Guard
from bench.live.server_talk import MOST_BYTES, Studio, Talk
from sound.segment import Segment

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

MOST_CLIENTS: Final = 12
"""Pages at once."""
MOST_WAITING: Final = 8
"""Requests of ``/predict`` at work or in line."""
BODY_S: Final = 15.0
"""How long a body may take to arrive."""
AT_ONCE, A_SECOND = 30.0, 10.0
"""Requests of one address."""
TOO_MANY: Final = 4001
MEDIA = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


class RefusedError(Exception):
    """An answer other than 200: its status, and why, in words for whoever asked."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def application(studio: Studio, gate: Gate) -> ASGIApp:
    """The whole server as an ASGI application."""
    from starlette.applications import Starlette
    from starlette.routing import Route, WebSocketRoute

    service = _Service(studio)
    routes = [
        Route("/", partial(_file, "index.html")),
        *(Route(path, partial(_file, path[1:])) for path in sorted(OPEN)),
        Route("/predict", service.predict, methods=["POST"]),
        WebSocketRoute("/live", service.live),
    ]
    return Guard(Starlette(routes=routes), gate)


async def _file(name: str, request: Request) -> Response:
    from starlette.responses import Response

    content = (files("bench.live") / "page" / name).read_bytes()
    return Response(content, media_type=MEDIA[name.rpartition(".")[2]])


class _Service:
    """Counts who is there."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._buckets = Buckets(AT_ONCE, A_SECOND)
        self._clients = 0
        self._waiting = 0

    async def live(self, socket: WebSocket) -> None:
        """The page's socket."""
        address = socket.client.host if socket.client else ""
        await socket.accept()
        if self._clients >= MOST_CLIENTS or not self._buckets.take(address):
            await socket.close(TOO_MANY, f"at most {MOST_CLIENTS} pages are served at once")
            return
        self._clients += 1
        try:
            await Talk(socket, self._studio).run()
        finally:
            self._clients -= 1

    async def predict(self, request: Request) -> Response:
        """One utterance in the body: what each backend heard."""
        from starlette.responses import JSONResponse

        try:
            if not self._buckets.take(request.client.host if request.client else ""):
                raise RefusedError(429, f"too many requests; {A_SECOND:g} a second are taken")
            if self._waiting >= MOST_WAITING:
                raise RefusedError(503, "busy: try again in a moment")
            self._waiting += 1
            try:
                audio, rate = await self._sound(request)
                answers = [answer(reply) for reply in await self._ask(Segment.whole(1, audio, rate))]
            finally:
                self._waiting -= 1
        except RefusedError as refusal:
            wait = {"retry-after": "1"} if refusal.status in (429, 503) else {}
            return JSONResponse({"error": str(refusal)}, refusal.status, wait)
        alone = answers[0] if len(answers) == 1 else None
        return JSONResponse(alone or answers, 503 if alone and "error" in alone else 200)

    async def _sound(self, request: Request) -> tuple[Audio, int]:
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart/"):
            raise RefusedError(415, "the file itself is wanted as the body, no form: curl --data-binary @clip.wav")
        try:
            async with asyncio.timeout(BODY_S):
                body = await _body(request)
        except TimeoutError:
            raise RefusedError(408, f"the body did not arrive within {BODY_S:g} s") from None
        if not body:
            raise RefusedError(400, "the body is empty; send a recording: curl --data-binary @clip.wav")
        try:
            bare = pcm(kind, body)
            return bare if bare else await asyncio.to_thread(self._studio.decoder.decode, body)
        except UploadError as error:
            raise RefusedError(422, str(error)) from None

    async def _ask(self, sound: Segment) -> list[Reply]:
        """A reply of every lane. Each request is a client of its own, so that none takes another's place."""
        loop, lanes = asyncio.get_running_loop(), self._studio.lanes
        replies: asyncio.Queue[Reply] = asyncio.Queue()
        client = object()
        try:
            lanes.submit(client, sound, partial(_pass_on, loop, replies))
            answers = [await replies.get() for _ in lanes.names]
        finally:
            lanes.forget(client)
        return sorted(answers, key=lambda reply: lanes.names.index(reply.backend))


def _pass_on(loop: asyncio.AbstractEventLoop, replies: asyncio.Queue[Reply], reply: Reply) -> None:
    with suppress(RuntimeError):  # the server has ended
        loop.call_soon_threadsafe(replies.put_nowait, reply)


async def _body(request: Request) -> bytes:
    from starlette.requests import ClientDisconnect

    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise RefusedError(413, f"more than {MOST_BYTES / 1e6:g} MB")
    except ClientDisconnect:
        raise RefusedError(400, "the body ended early") from None
    return bytes(body)

"""One browser's conversation: its sound comes in, what the session tells goes out.

Text frames are JSON objects with a ``type``; binary frames are 16-bit samples, mono, lowest byte first, or after
``upload`` one whole file. From the page: ``start`` (stream, rate, mode), ``press``, ``stop``, ``upload``, ``label``
(stream, utterance, label). To the page: ``hello``, ``problem``, and the events of :mod:`bench.live.events` but for
levels, with the stream they are of; places are samples of the page's own stream. A stream is one recording of the
microphone and a session here; an uploaded file is stream 0.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from bench.errors import BenchError
from bench.live import events as told
from bench.live.lanes import Lanes, Reply
from bench.live.saving import Folder
from bench.live.scores import best
from bench.live.server_decode import LIMITS, Decoder, UploadError
from bench.live.server_guard import Bucket
from bench.live.session import Session
from sound.activity import RATE, Detector
from sound.segment import WORDS, Segment

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

MOST_BYTES: Final = 4_000_000
"""Of one upload."""
SHOWN: Final = 5
"""Labels whose scores are sent."""
MOST_TEXT: Final = 2_000
MOST_UNREAD: Final = 500
"""Messages that wait for a page that does not read them."""
MOST_STREAMS: Final = 40
"""Recordings whose utterances can still be corrected."""
AHEAD_S, PACE = 20.0, 1.1
"""Seconds of sound that may come at once, and a second after that."""
POLICY, TOO_MUCH = 1008, 4002


@dataclass(frozen=True, slots=True)
class Studio:
    """What all conversations share. ``labels`` are the vocabulary's."""

    lanes: Lanes
    labels: tuple[str, ...]
    decoder: Decoder
    detector: Callable[[], Detector]
    save: Folder | None = None
    speaker: str = ""
    talks: set[Talk] = field(default_factory=set)
    """Those under way."""


class _BrokenError(Exception):
    """The page does not keep to the rules; closes the connection with a code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Talk:
    """Serves one socket until it closes."""

    def __init__(self, socket: WebSocket, studio: Studio) -> None:
        self._socket, self._studio = socket, studio
        self._loop = asyncio.get_running_loop()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sound, self._texts = Bucket(AHEAD_S, PACE), Bucket(50, 10)
        self._sessions: OrderedDict[int, Session] = OrderedDict()
        self._open: Session | None = None
        """The one that is being recorded."""
        self._rate, self._failed = RATE, False
        self._expects_file = False
        self._files = 0

    async def run(self) -> None:
        """Listen and answer; returns when the page is gone, or does not keep to the rules."""
        sending = asyncio.create_task(self._send())
        self._greet()
        self._studio.talks.add(self)
        try:
            while (message := await self._socket.receive())["type"] == "websocket.receive":
                if self._out.qsize() > MOST_UNREAD:
                    raise _BrokenError(POLICY, "answers are not being read")
                if (text := message.get("text")) is not None:
                    self._obey(text)
                elif self._expects_file:
                    self._expects_file = False
                    await self._upload(message["bytes"])
                else:
                    self._take(message["bytes"])
        except _BrokenError as error:
            with suppress(RuntimeError):  # closed already
                await self._socket.close(error.code, str(error))
        finally:
            self._studio.talks.discard(self)
            for session in self._sessions.values():
                session.close()
            self._studio.lanes.forget(self)
            sending.cancel()

    def tell(self, stream: int, event: told.Event) -> None:
        """Send an event of a stream; from any thread."""
        if isinstance(event, told.Level):
            return  # the page has its own meter
        with suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(self._out.put_nowait, shown(event) | {"stream": stream})

    def _greet(self) -> None:
        self._say(
            "hello",
            labels=list(self._studio.labels),
            backends=[told.values(state) for state in self._studio.lanes.states()],
            detector=self._studio.detector().name,
            saving=self._studio.save is not None,
            bytes=MOST_BYTES,
        )

    def _obey(self, text: str) -> None:
        if len(text) > MOST_TEXT or not self._texts.take():
            raise _BrokenError(TOO_MUCH, "too many messages")
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        match message:
            case {"type": "start", "stream": int(stream), "rate": int(rate), "mode": "vad" | "push" as mode}:
                self._start(stream, rate, mode == "push")
            case {"type": "press"} if self._open is not None:
                self._guarded(self._open.press)
            case {"type": "stop"}:
                self._stop()
            case {"type": "upload"}:
                self._expects_file = True
            case {"type": "label", "stream": int(stream), "utterance": int(number), "label": str() | None as label}:
                self._label(stream, number, label)
            case _:
                raise _BrokenError(POLICY, "a message that is not understood")

    def _start(self, stream: int, rate: int, held: bool) -> None:
        if not LIMITS.lowest_hz <= rate <= LIMITS.highest_hz:
            raise _BrokenError(POLICY, f"a rate of {rate} Hz; {LIMITS.lowest_hz} to {LIMITS.highest_hz} are taken")
        if stream < 1 or stream in self._sessions:
            raise _BrokenError(POLICY, "a stream that was there before")
        self._stop()
        self._rate, self._failed = rate, False
        studio = self._studio
        self._open = self._sessions[stream] = Session(
            studio.lanes, studio.detector, rate, partial(self.tell, stream),
            cutting=replace(WORDS, listening=not held), save=studio.save, source="page", speaker=studio.speaker,
        )  # fmt: skip
        while len(self._sessions) > MOST_STREAMS:
            self._sessions.popitem(last=False)[1].close()

    def _stop(self) -> None:
        session, self._open = self._open, None
        if session is not None and self._guarded(session.release):
            self._guarded(session.finish)

    def _take(self, data: bytes) -> None:
        if self._open is None or len(data) % 2:
            raise _BrokenError(POLICY, "samples without a start, or half a sample")
        samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32_768)
        if not self._sound.take(len(samples) / self._rate):
            raise _BrokenError(TOO_MUCH, "sound came faster than it is spoken")
        self._guarded(partial(self._open.push, samples))

    def _guarded(self, act: Callable[[], None]) -> bool:
        """Whether a session could do it: one that is saved cannot once the disk takes no more."""
        try:
            act()
        except BenchError as error:
            if not self._failed:
                self._failed = True
                self._say("problem", text=f"What is said cannot be saved: {error}.")
            return False
        return True

    async def _upload(self, data: bytes) -> None:
        if len(data) > MOST_BYTES:
            raise _BrokenError(TOO_MUCH, f"more than {MOST_BYTES / 1e6:g} MB")
        if not self._sound.take(1.0):
            self._say("problem", text="Too many files at once; wait a moment.")
            return
        try:
            audio, rate = await asyncio.to_thread(self._studio.decoder.decode, data)
        except UploadError as error:
            self._say("problem", text=f"The file cannot be heard: {error}.")
            return
        self._files += 1
        whole = Segment.whole(self._files, audio, rate)
        self.tell(0, told.Cut(self._files, True, 0.0, len(audio) / rate, 0.0, 0.0))
        self._studio.lanes.submit(self, whole, self._reply)

    def _reply(self, reply: Reply) -> None:
        """What a lane says of a file."""
        message = reply.said or {}
        stages = {"queue": reply.queue_s, "features": reply.features_s, "model": reply.model_s}
        answer = told.Answer(
            reply.segment.utterance, reply.backend, True, reply.state, message.get("label"), message.get("text"),
            message.get("scores"), message.get("facts"), reply.error, stages,
        )  # fmt: skip
        self.tell(0, answer)

    def _label(self, stream: int, number: int, label: str | None) -> None:
        if label is not None and label not in self._studio.labels:
            raise _BrokenError(POLICY, "a label that is not known")
        session = self._sessions.get(stream)
        try:
            if session is None:
                raise BenchError("it was said too long ago")
            session.correct(number, label)
        except BenchError as error:
            self._say("problem", text=f"The correction is not kept: {error}.")

    def _say(self, kind: str, **content: Any) -> None:
        self._out.put_nowait({"type": kind, **content})

    async def _send(self) -> None:
        with suppress(Exception):  # the page is gone; the other side of the conversation notices too
            while True:
                await self._socket.send_text(json.dumps(await self._out.get(), separators=(",", ":")))


def shown(event: told.Event) -> dict[str, Any]:
    """An event as the page takes it: of an answer the likeliest labels, as shares of 1."""
    message = told.values(event)
    if isinstance(event, told.Answer):
        likeliest = best(event.scores, SHOWN)
        message["scores"] = [[label, round(share, 5)] for label, share in likeliest]
        message.pop("facts")
    return message

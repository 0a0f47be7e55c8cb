"""A session: blocks of sound go in, events (:mod:`bench.live.events`) come out as they happen.

::

    with open_lanes(candidates) as lanes:
        session = Session(lanes, detectors(), rate=48_000, tell=queue.put)
        session.push(block, captured=time.monotonic())     # from the thread that has the sound
        session.correct(utterance=1, label="7")            # from any
        session.finish()                                   # the stream has ended
        session.drain(2.0)                                 # what is under way is answered
        session.close()

``tell`` is called from several threads, one event at a time, and must return at once: a queue's ``put``, or
``loop.call_soon_threadsafe`` with one. Times are of ``time.monotonic``. Sessions share lanes; each has its own detector
and numbers its utterances from 1.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Condition, RLock
from typing import Final

from bench.errors import BenchError
from bench.live import events as told
from bench.live.lanes import Lanes, Reply
from bench.live.saving import Folder
from sound import Audio
from sound.activity import RATE, Detector
from sound.segment import WORDS, Cutting, Dismissed, End, Event, Hop, Onset, Segment, Segmenter, Speculation
from sound.stream import Resampler

REMEMBERED: Final = 200
"""Utterances that can still be corrected."""


@dataclass(slots=True)
class _Utterance:
    """One that was cut: its newest segment, the answers to that, and when it was cut."""

    segment: Segment
    cut: told.Cut
    ended: float
    """When its speech ended, as the clock of this machine has it."""
    confirmed: bool = False
    replies: dict[str, told.Answer] = field(default_factory=dict)
    file: str | None = None
    label: str | None = None


class Session:
    """Sound in, events out; see the module."""

    def __init__(
        self,
        lanes: Lanes,
        detector: Callable[[], Detector],
        rate: float,
        tell: Callable[[told.Event], None],
        *,
        cutting: Cutting = WORDS,
        save: Folder | None = None,
        source: str = "",
        speaker: str = "",
    ) -> None:
        """``rate`` is of the blocks to come, in Hz; ``source`` and ``speaker`` are written beside what is saved."""
        self._lanes, self._tell, self._save = lanes, tell, save
        self._source, self._speaker = source, speaker
        self._rate = rate
        self._resampler = Resampler(rate, RATE)
        self._segmenter = Segmenter(detector(), cutting)
        self._lock = RLock()
        self._answered = Condition(self._lock)
        self._pushed = 0
        self._captured = 0.0
        self._kept: OrderedDict[int, _Utterance] = OrderedDict()
        self._closed = False
        self._failure: BenchError | None = None

    def push(self, samples: Audio, captured: float | None = None) -> None:
        """Hear a block: float32 mono, any number of samples. ``captured``: when the last of them was in the air, as
        far as that is known. Raises BenchError if the session is saved and the disk does not take it, perhaps a block
        later."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._closed:
                return
            self._pushed += len(samples)
            self._captured = time.monotonic() if captured is None else captured
            self._hear(self._segmenter.push(self._resampler.push(samples)))

    def press(self) -> None:
        """Push to talk: an utterance begins now."""
        with self._lock:
            self._hear(self._segmenter.press())

    def release(self) -> None:
        """The utterance that :meth:`press` began is over."""
        with self._lock:
            self._hear(self._segmenter.release())

    def finish(self) -> None:
        """The stream has ended, and with it what is under way."""
        with self._lock:
            self._hear(self._segmenter.push(self._resampler.finish()))
            self._hear(self._segmenter.finish())

    def drain(self, timeout_s: float | None = None) -> bool:
        """Wait until every lane has replied to every utterance; False if the time is up."""
        with self._answered:
            return self._answered.wait_for(lambda: all(map(self._complete, self._kept.values())), timeout_s)

    def correct(self, utterance: int, label: str | None) -> None:
        """Somebody says what it was, or takes that back. Raises BenchError for one that is not remembered."""
        with self._lock:
            kept = self._kept.get(utterance)
            if kept is None or not kept.confirmed:
                raise BenchError(f"utterance {utterance}: not one of the last {REMEMBERED}")
            kept.label = label
            if self._save is not None and kept.file is not None:
                part = kept.segment
                edges = ((place - part.start) / RATE for place in (part.onset, part.offset))
                self._save.confirm(kept.file, label, self._speaker, *edges)
            self._tell(told.Corrected(utterance, label))

    def segment(self, utterance: int) -> Segment | None:
        """What was said, as long as it is remembered."""
        with self._lock:
            kept = self._kept.get(utterance)
            return None if kept is None else kept.segment

    def close(self) -> None:
        """Say nothing more."""
        with self._lock:
            self._closed = True
        self._lanes.forget(self)

    def _hear(self, events: list[Event]) -> None:
        for event in events:
            match event:
                case Hop():
                    self._say(told.Level(event.at / RATE, event.level_db, event.score, event.speaking))
                case Onset():
                    self._say(told.Speech(event.utterance, event.onset / RATE))
                case Dismissed():
                    self._say(told.Dismissed(event.utterance))
                case Speculation():
                    self._cut(event.segment, final=False)
                case End():
                    self._cut(event.segment, final=True)

    def _cut(self, part: Segment, final: bool) -> None:
        """An utterance is, or may be, over: tell it, and ask the lanes unless they were asked about the same sound."""
        now = time.monotonic()
        ended = self._captured - (self._pushed / self._rate - part.offset / RATE)
        device_s = max(0.0, now - self._captured)
        times = (part.onset / RATE, part.offset / RATE, device_s, max(0.0, now - ended - device_s))
        cut = told.Cut(part.utterance, final, *times)
        earlier = self._kept.get(part.utterance)
        known = earlier is not None and earlier.segment.same(part)
        kept = earlier if earlier is not None and known else _Utterance(part, cut, ended)
        self._kept[part.utterance] = kept
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)
        self._say(cut)
        if final:
            kept.confirmed = True
            if self._save is not None:
                kept.file = self._save.add(part, self._source, self._speaker)
                self._say(told.Saved(part.utterance, kept.file))
            for answer in list(kept.replies.values()):
                self._conclude(kept, answer)
        if not known:
            self._lanes.submit(self, part, self._reply)

    def _reply(self, reply: Reply) -> None:
        """A lane has replied; what it says of sound that was taken back is nobody's business."""
        with self._lock:
            kept = self._kept.get(reply.segment.utterance)
            if kept is None or kept.segment is not reply.segment:
                return
            message = reply.said or {}
            stages = {
                "device": kept.cut.device_s,
                "vad": kept.cut.vad_s,
                "queue": reply.queue_s,
                "features": reply.features_s,
                "model": reply.model_s,
            }
            answer = told.Answer(
                reply.segment.utterance,
                reply.backend,
                final=False,
                state=reply.state,
                **{name: message.get(name) for name in ("label", "text", "scores", "facts")},
                error=reply.error,
                latency_s=stages,
            )
            kept.replies[reply.backend] = answer
            if kept.confirmed:
                try:
                    self._conclude(kept, answer)
                except BenchError as error:  # the lane is not to blame: whoever pushes hears of it
                    self._failure = error
            elif answer.state == "answered":
                self._say(_timed(answer, kept.ended))
            self._answered.notify_all()

    def _conclude(self, kept: _Utterance, answer: told.Answer) -> None:
        """Tell an answer that stays, and write it down."""
        last = _timed(replace(answer, final=True), kept.ended)
        if self._save is not None and kept.file is not None:
            self._save.answered(kept.file, last)
        self._say(last)

    def _complete(self, kept: _Utterance) -> bool:
        return not kept.confirmed or len(kept.replies) == len(self._lanes.names)

    def _say(self, event: told.Event) -> None:
        if not self._closed:
            self._tell(event)


def _timed(answer: told.Answer, ended: float) -> told.Answer:
    """With the time from the end of speech until now, and how much of it no stage took: waiting for more silence."""
    stages = {name: seconds for name, seconds in (answer.latency_s or {}).items() if name not in ("confirm", "total")}
    total = max(0.0, time.monotonic() - ended)
    return replace(answer, latency_s={**stages, "confirm": max(0.0, total - sum(stages.values())), "total": total})

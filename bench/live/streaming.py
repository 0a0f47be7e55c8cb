"""``digitbench stream``: sentences as text while they are spoken.

A partial text comes once 0.6 s were said, then each time that as much again was, at the latest after 2 s; a guess at
the end of a sentence is one, too. What is final was recognised from the same segment that an offline cut has. Unless
the source is live, time is virtual: a block costs its length, an answer what it took, and a partial that would come
while another answer is being made is left out, as it would be in real time.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from io import BufferedReader
from pathlib import Path
from queue import SimpleQueue
from threading import Event as Flag
from typing import Any, Final

import numpy as np

from bench.config import Config
from bench.errors import BenchError
from bench.live.candidates import candidates
from bench.live.lanes import Lane, Reply, open_lanes
from bench.live.source import Pipe, Recording, Source
from bench.preflight import check_backends
from bench.terminal import write
from sound.activity import RATE, Detector, detectors
from sound.segment import SENTENCES, Cutting, End, Event, Hop, Onset, Segment, Segmenter, Speculation
from sound.stream import Resampler

FIRST_S: Final = 0.6
LATEST_S: Final = 2.0
WAITING: Final = 8
"""Sentences that may wait for their text; then the source waits."""
STEP_S: Final = 120.0

Say = Callable[[Mapping[str, Any]], None]


def stream_file(
    config: Config,
    file: Path,
    backend: str,
    stdin: Callable[[], BufferedReader],
    paced: bool,
    rate: int | None,
    vad: str,
    hangover_s: float,
    partials: bool,
) -> bool:
    """Transcribe a recording or a pipe to standard output; whether a sentence failed. Raises BenchError."""
    if rate is not None and file != Path("-"):
        raise BenchError(f"--rate {rate}: for raw samples on standard input alone; {file} says its own")
    asked = replace(config, task="transcription", vocabulary={}, backends=(backend,))
    check_backends(asked)
    source: Source = Pipe(stdin(), rate, config.limits) if file == Path("-") else Recording(file, paced, config.limits)
    live = paced or file == Path("-")
    try:
        detector = detectors(vad)()
        cutting = replace(SENTENCES, confirm_s=hangover_s, speculate_s=min(SENTENCES.speculate_s, hangover_s))
    except (ValueError, ModuleNotFoundError, FileNotFoundError) as error:
        raise BenchError(f"--vad {vad}, --hangover-s {hangover_s:g}: {error}") from error
    with open_lanes(candidates(asked, (backend,)), step_s=STEP_S) as lanes:
        lanes.wait()
        (lane,) = lanes.lanes
        if lane.state != "ready":
            raise BenchError(f"{backend}: {lane.reason}")
        transcript = Transcript(lane, lambda entry: write(json.dumps(entry)), live, partials)
        return transcript.follow(source, detector, cutting)


@dataclass(slots=True)
class _Sentence:
    """One under way: its last text, words that were taken back, and when the next partial is due."""

    number: int
    onset: int
    due: int
    words: list[str] = field(default_factory=list)
    partials: int = 0
    revisions: int = 0
    guess: Segment | None = None
    reply: Reply | None = None
    end: End | None = None
    done_s: float = 0.0
    """When its newest answer was there, on the clock of the stream."""


class Transcript:
    """A stream being transcribed by one lane."""

    def __init__(self, lane: Lane, say: Say, live: bool, partials: bool = True) -> None:
        self._lane, self._say, self._live, self._partials = lane, say, live, partials
        self._replies: SimpleQueue[Reply] = SimpleQueue()
        self._open: dict[int, _Sentence] = {}
        self._asked = 0
        self._free_s = 0.0
        self._began = 0.0
        self._audio_s = 0.0
        self._busy_s = 0.0
        self._counts = dict.fromkeys(("final", "failed", "partial", "revisions"), 0)
        self._delays: list[float] = []
        self._facts: dict[str, float] = {}
        self._speech_s = 0.0

    def follow(self, source: Source, detector: Detector, cutting: Cutting = SENTENCES) -> bool:
        """To its end; whether a sentence failed. Raises BenchError where the source ends in an error."""
        resampler, segmenter, stop = Resampler(source.rate, RATE), Segmenter(detector, cutting), Flag()
        began, frames = time.monotonic(), 0
        self._began = began
        for block in source.blocks(stop):
            frames += len(block.samples)
            self._began = block.captured - frames / source.rate
            working = time.process_time()
            events = segmenter.push(resampler.push(block.samples))
            self._busy_s += time.process_time() - working
            self._audio_s = frames / source.rate
            self._after(events, segmenter)
        self._after(segmenter.push(resampler.finish()), segmenter)
        self._after(segmenter.finish(), segmenter)
        while self._asked:
            self._take(self._replies.get())
        self._say(self._summary(time.monotonic() - began, source.dropped))
        return self._counts["failed"] > 0

    def _after(self, events: list[Event], segmenter: Segmenter) -> None:
        for event in events:
            match event:
                case Onset():
                    due = event.onset + round(FIRST_S * RATE)
                    self._open[event.utterance] = _Sentence(event.utterance, event.onset, due)
                case Speculation() | End():
                    self._cut(self._open[event.segment.utterance], event)
                case Hop() if event.speaking and self._partials:
                    self._partial(event.at, segmenter)
        while not self._replies.empty():
            self._take(self._replies.get())
        while self._live and sum(each.end is not None for each in self._open.values()) > WAITING:
            self._take(self._replies.get())

    def _partial(self, at: int, segmenter: Segmenter) -> None:
        """Ask for the text so far, if it is time and nothing else is being made."""
        current = segmenter.current()
        sentence = self._open.get(current.utterance) if current is not None else None
        if current is None or sentence is None or at < sentence.due or current.offset > at:
            return
        sentence.due = at + min(at - sentence.onset, round(LATEST_S * RATE))
        busy = self._asked > 0 if self._live else self._free_s > at / RATE
        if not busy and sentence.guess is None:
            self._ask(current, "partial", at)

    def _cut(self, sentence: _Sentence, event: Speculation | End) -> None:
        known = sentence.guess is not None and sentence.guess.same(event.segment)
        if isinstance(event, End):
            sentence.end = event
            self._speech_s += (event.segment.offset - event.segment.onset) / RATE
        if not known:
            sentence.guess, sentence.reply = event.segment, None
            self._ask(event.segment, ("sentence", sentence.number), event.at)
        elif sentence.reply is not None and sentence.end is not None:
            self._finish(sentence, sentence.reply)

    def _ask(self, segment: Segment, client: object, at: int) -> None:
        self._asked += 1
        self._lane.submit(str(client), segment, self._replies.put)
        if not self._live:
            reply = self._replies.get()
            took_s = reply.queue_s + reply.features_s + reply.model_s
            self._free_s = max(self._free_s, at / RATE) + took_s
            self._take(reply)

    def _take(self, reply: Reply) -> None:
        """What the lane said: of a sentence that is over its last word, else a partial."""
        self._asked -= 1
        self._busy_s += reply.features_s + reply.model_s
        sentence = self._open.get(reply.segment.utterance)
        if sentence is None:
            return
        sentence.done_s = self._now()
        if reply.segment is sentence.guess:
            sentence.reply = reply
            if sentence.end is not None:
                self._finish(sentence, reply)
                return
        if reply.state == "answered" and sentence.end is None:
            self._revise(sentence, reply)
            sentence.partials += 1
            self._counts["partial"] += 1
            self._say(self._entry("partial", sentence, reply))

    def _finish(self, sentence: _Sentence, reply: Reply) -> None:
        assert sentence.end is not None
        del self._open[sentence.number]
        kind = "final" if reply.state == "answered" else "failed"
        self._counts[kind] += 1
        ended_s = reply.segment.offset / RATE
        shown_s = self._now() if self._live else max(sentence.end.at / RATE, sentence.done_s)
        if kind == "final":
            self._revise(sentence, reply)
            self._delays.append(shown_s - ended_s)
            for name, value in ((reply.said or {}).get("facts") or {}).items():
                self._facts[name] = self._facts.get(name, 0.0) + value
        self._counts["revisions"] += sentence.revisions
        more = {"partials": sentence.partials, "cut": sentence.end.cut, "delay_s": round(shown_s - ended_s, 4)}
        self._say(self._entry(kind, sentence, reply) | more)

    def _revise(self, sentence: _Sentence, reply: Reply) -> None:
        """Count the words that were shown and are taken back: all from the first that differs (erasure, Arivazhagan and
        others 2020)."""
        words = plain_words((reply.said or {}).get("text") or "")
        kept = 0
        for before, now in zip(sentence.words, words, strict=False):
            if before != now:
                break
            kept += 1
        sentence.revisions += len(sentence.words) - kept
        sentence.words = words

    def _entry(self, kind: str, sentence: _Sentence, reply: Reply) -> dict[str, Any]:
        message = reply.said or {}
        entry: dict[str, Any] = {
            "type": kind,
            "utterance": sentence.number,
            "start_s": round(reply.segment.onset / RATE, 3),
            "end_s": round(reply.segment.offset / RATE, 3),
            "text": message.get("text"),
            "at_s": round(self._now(), 3),
            "revisions": sentence.revisions,
        }
        if message.get("facts"):
            entry["facts"] = message["facts"]
        return entry | ({"error": reply.error or reply.state} if reply.state != "answered" else {})

    def _now(self) -> float:
        """Seconds of the stream until now, real or virtual."""
        return time.monotonic() - self._began if self._live else max(self._free_s, self._audio_s)

    def _summary(self, wall_s: float, dropped: int) -> dict[str, Any]:
        delays = {
            f"delay_p{q}_s": round(float(np.quantile(self._delays, q / 100)), 4) for q in (50, 95) if self._delays
        }
        tokens = {
            f"{name}_per_s": round(self._facts[name] / self._audio_s, 2) for name in self._facts if "token" in name
        }
        return {
            "type": "summary",
            "audio_s": round(self._audio_s, 3),
            "speech_s": round(self._speech_s, 3),
            **self._counts,
            **delays,
            "rtf": round(self._busy_s / self._audio_s, 4) if self._audio_s else None,
            "wall_s": round(wall_s, 3),
            "dropped": dropped,
            **tokens,
        }


def plain_words(text: str) -> list[str]:
    """Words in small letters without punctuation: what counts as the same word in two partials."""
    return re.findall(r"[\w']+", text.casefold())

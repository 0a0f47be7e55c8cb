"""A saved session heard again: the same sound through the same lanes gives the same scores, bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from bench.live.lanes import Lanes, Reply
from bench.live.saving import saved

COMPARED = ("label", "text", "scores")


@dataclass(frozen=True, slots=True)
class Replayed:
    """One lane's reply to one saved utterance; ``same`` is None where the session has no answer of that backend."""

    file: str
    reply: Reply
    same: bool | None


def replay(folder: Path, lanes: Lanes) -> Iterator[Replayed]:
    """Every utterance of a folder, one after another, through every lane. Raises BenchError; see
    :func:`bench.live.saving.saved`."""
    replies: SimpleQueue[Reply] = SimpleQueue()
    for kept in saved(folder):
        lanes.submit("replay", kept.segment, replies.put)
        for _ in lanes.names:
            reply = replies.get()
            before = kept.answers.get(reply.backend)
            message = reply.said
            same = None
            if message is not None and before is not None and before.get("state") == "answered":
                same = all(message[name] == before.get(name) for name in COMPARED)
            yield Replayed(kept.file, reply, same)

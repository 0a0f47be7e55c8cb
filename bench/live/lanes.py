"""Lanes: backends that answer utterances, each in a resident worker of its own, which a thread of this process asks.

A lane is warm before it says ``ready``. One that is slow, hangs or dies delays no other: of the utterances of a client
it keeps the newest, says ``dropped`` of those skipped, ``failed`` of the one in flight when its worker ends, and starts
another worker by itself.

``with open_lanes(candidates) as lanes`` starts them; ``lanes.wait()`` returns once each is ready or unusable.
``lanes.submit(client, segment, deliver)`` returns at once; ``deliver(reply)`` is called once for each lane and
submission, from any thread, and must return soon (``loop.call_soon_threadsafe`` for asyncio). Clients, one a session,
share lanes and do not displace each other's utterances.
"""

from __future__ import annotations

import base64
import shutil
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from threading import Condition, Event, Thread
from typing import Any, Final, Literal

import numpy as np

from bench.errors import BenchError
from bench.live.events import Lane as LaneState
from bench.live.events import State
from bench.workers.parent import Job, StoppedError, Worker, WorkerError
from bench.workers.ready import ready
from sound import Audio
from sound.activity import RATE
from sound.framing import handed
from sound.segment import Segment

STEP_S: Final = 10.0
"""How long an answer may take; then the worker is ended."""
LOOK_S: Final = 0.5
"""How often an idle lane looks whether its worker is there."""
PAUSES_S: Final = (0.0, 1.0, 5.0, 20.0)
"""Before each start after a death; the last for all that follow. An answer begins it anew."""
WARM_S, WARM_CALLS = 0.6, 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A backend that is to answer, and the model file that it restores if it is a trained one."""

    job: Job
    model: Path | None = None

    @property
    def name(self) -> str:
        """As in the events."""
        return self.job.spec.name


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a submission: ``said`` is the worker's message where it ``answered``; seconds of the queue and the
    way to the worker, of features (0 where not told apart) and of the model."""

    backend: str
    segment: Segment
    state: Literal["answered", "dropped", "failed"]
    said: Mapping[str, Any] | None = None
    error: str | None = None
    queue_s: float = 0.0
    features_s: float = 0.0
    model_s: float = 0.0


Deliver = Callable[[Reply], None]
Tell = Callable[[LaneState], None]


@dataclass(frozen=True, slots=True)
class _Submission:
    segment: Segment
    deliver: Deliver
    at: float


class Lane:
    """One backend answering."""

    def __init__(self, candidate: Candidate, log: Path, tell: Tell, threads: int = 1, step_s: float = STEP_S) -> None:
        self.candidate = candidate
        self.state: State = "starting"
        self.reason = ""
        self.pid: int | None = None
        """Of the worker there is."""
        self._log, self._tell, self._threads, self._step_s = log, tell, threads, step_s
        self._waiting: OrderedDict[Hashable, _Submission] = OrderedDict()
        self._changed = Condition()
        self._stop = Event()
        self._begun = False
        self._deaths = 0
        self._thread = Thread(target=self._live, name=f"lane {self.name}", daemon=True)

    @property
    def name(self) -> str:
        """The backend's."""
        return self.candidate.name

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def submit(self, client: Hashable, segment: Segment, deliver: Deliver) -> None:
        """Recognise this, in place of what the client has waiting."""
        mine = _Submission(segment, deliver, time.monotonic())
        with self._changed:
            ready = self.state == "ready"
            skipped = self._waiting.pop(client, None) if ready else mine
            if ready:
                self._waiting[client] = mine
                self._changed.notify()
        if skipped is not None:
            self._drop(skipped, "" if ready else self.reason or f"{self.name} is {self.state}")

    def forget(self, client: Hashable) -> None:
        """The client has left: what it has waiting is of no use."""
        with self._changed:
            self._waiting.pop(client, None)

    def close(self) -> None:
        """End the worker; waits for it."""
        self._stop.set()
        with self._changed:
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _live(self) -> None:
        """A worker after another, until closed, or the first cannot be made."""
        while not self._stop.is_set():
            try:
                self._serve()
            except StoppedError:
                break
            except WorkerError as error:
                if not self._begun:
                    return self._become("unusable", error.reason)
                self._become("down", error.reason)
                self._stop.wait(PAUSES_S[min(self._deaths, len(PAUSES_S) - 1)])
                self._deaths += 1
                self._become("starting", error.reason)
            except BenchError as error:
                return self._become("unusable", str(error))
            except Exception as error:  # whatever a listener raises: no lane stands still and says it is ready
                self._become("unusable", f"{type(error).__name__}: {error}")
                raise
        return self._become("stopped")

    def _serve(self) -> None:
        """Make a worker and let it answer as long as it lives. Raises WorkerError when it does not, or StoppedError."""
        job, model = self.candidate.job, self.candidate.model
        with ready(job, self._log, self._threads, model=model, prepare=not self._begun, stop=self._stop) as (
            worker,
            facts,
        ):
            if facts["trained"] and model is None:
                raise BenchError(f"{self.name} must be trained first: `digitbench train {self.name} --out FILE`")
            context_s = facts["context_s"]
            hum = np.random.default_rng(0).normal(0, 0.01, round(WARM_S * RATE)).astype(np.float32)
            for _ in range(WARM_CALLS):  # a process's first calls are not what the next ones take
                worker.ask("listen", **_message(hum))
            worker.limit(self._step_s)
            self._begun, self.pid = True, worker.pid
            self._become("ready")
            while (taken := self._next(worker)) is not None:
                self._answer(worker, taken, context_s)

    def _next(self, worker: Worker) -> _Submission | None:
        """What has waited longest, as soon as there is something; None once closed. Raises WorkerError if the worker
        ends meanwhile."""
        with self._changed:
            while not self._waiting and not self._stop.is_set():
                if not self._changed.wait(LOOK_S) and not worker.alive:
                    raise WorkerError("the process ended while it was idle")
            return None if self._stop.is_set() else self._waiting.popitem(last=False)[1]

    def _answer(self, worker: Worker, taken: _Submission, context_s: float) -> None:
        segment = taken.segment
        try:
            asked = time.monotonic()
            message = worker.ask("listen", **_message(handed(segment, context_s), segment.rate))
            replied = time.monotonic()
        except StoppedError:
            raise
        except WorkerError as error:
            self.pid = None
            self._become("down", error.reason)  # whoever hears of the failure finds the lane so
            taken.deliver(Reply(self.name, segment, "failed", error=error.reason))
            raise
        if (problem := message.pop("problem", None)) is not None:
            taken.deliver(Reply(self.name, segment, "failed", error=problem))
            return
        self._deaths = 0
        features_s, model_s = message.pop("features_s"), message.pop("model_s")
        queue_s = asked - taken.at + max(0.0, replied - asked - features_s - model_s)
        taken.deliver(Reply(self.name, segment, "answered", message, None, queue_s, features_s, model_s))

    def _become(self, state: State, reason: str = "") -> None:
        with self._changed:
            changed = (state, reason) != (self.state, self.reason) or state == "starting"
            self.state, self.reason = state, reason
            left = [] if state == "ready" else [self._waiting.popitem()[1] for _ in range(len(self._waiting))]
        for each in left:
            self._drop(each, reason)
        if changed:
            self._tell(LaneState(self.name, state, reason))

    def _drop(self, submission: _Submission, reason: str) -> None:
        submission.deliver(Reply(self.name, submission.segment, "dropped", error=reason or None))


class Lanes:
    """Several, side by side. Made by :func:`open_lanes`."""

    def __init__(
        self, candidates: Sequence[Candidate], folder: Path, tell: Tell, threads: int = 1, step_s: float = STEP_S
    ) -> None:
        names = [candidate.name for candidate in candidates]
        if twice := [name for name in names if names.count(name) > 1]:
            raise BenchError(f"two backends have one name, {twice[0]}; name each once")
        self._settled = Condition()
        self._tell = tell
        logs = [folder / f"{place}.log" for place in range(len(names))]
        self.lanes = tuple(
            Lane(candidate, log, self._on_state, threads, step_s)
            for candidate, log in zip(candidates, logs, strict=True)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Of the backends, in order."""
        return tuple(lane.name for lane in self.lanes)

    def states(self) -> list[LaneState]:
        """How each is now."""
        return [LaneState(lane.name, lane.state, lane.reason) for lane in self.lanes]

    def wait(self, timeout_s: float | None = None) -> bool:
        """Until each is ready or unusable; False if the time is up."""
        with self._settled:
            return self._settled.wait_for(
                lambda: all(lane.state in ("ready", "unusable", "stopped") for lane in self.lanes), timeout_s
            )

    def submit(self, client: Hashable, segment: Segment, deliver: Deliver) -> None:
        """Let each recognise this; see :class:`Lane`."""
        for lane in self.lanes:
            lane.submit(client, segment, deliver)

    def forget(self, client: Hashable) -> None:
        """The client has left."""
        for lane in self.lanes:
            lane.forget(client)

    def _on_state(self, state: LaneState) -> None:
        with self._settled:
            self._settled.notify_all()
        self._tell(state)


@contextmanager
def open_lanes(
    candidates: Sequence[Candidate],
    tell: Tell = lambda state: None,
    *,
    threads: int = 1,
    step_s: float = STEP_S,
) -> Iterator[Lanes]:
    """Lanes that start at once. ``tell`` hears of every change of state, from the lanes' threads. ``threads`` are those
    of each worker. Raises BenchError for two of one name.

    Logs of workers are in a private folder, which is kept where a reason points into it.
    """
    folder = Path(mkdtemp(prefix="digitbench-live-"))
    keep = False

    def hear(state: LaneState) -> None:
        nonlocal keep
        keep |= str(folder) in state.reason
        tell(state)

    try:
        lanes = Lanes(candidates, folder, hear, threads, step_s)
        try:
            for lane in lanes.lanes:
                lane.start()
            yield lanes
        finally:
            for lane in lanes.lanes:
                lane._stop.set()
            for lane in lanes.lanes:
                lane.close()
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _message(audio: Audio, rate: int = RATE) -> dict[str, Any]:
    """Samples for a worker's ``listen``, bit by bit."""
    return {"samples": base64.b64encode(audio.astype("<f4").tobytes()).decode(), "rate": rate}

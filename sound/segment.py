"""Cuts a stream into utterances, on its sample clock: the same cuts however the stream comes in pieces.

``Segmenter.push`` takes samples at ``RATE`` and gives what happened (:data:`Event`) in order. An utterance begins at an
``Onset``; after 96 ms of silence comes a ``Speculation``, an early guess that it is over, and after 192 ms the ``End``.
Where nothing was said in between, both carry an equal :class:`Segment`, so what was recognised early holds. An
utterance too short to be speech is ``Dismissed``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from sound import Audio
from sound.activity import HOP, RATE, SPEECH, Detector
from sound.level import rms_level
from sound.stream import Tape, to_grid

PIECE = RATE
"""Samples handled at once, so that memory is bounded however much is pushed."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """When an utterance begins and ends; seconds. Raises ValueError for what contradicts itself."""

    enter: float = SPEECH
    """Score from which speech begins."""
    leave: float = 0.35
    """Score from which speech that has begun goes on."""
    shortest_s: float = 0.064
    """Speech that an utterance needs; less is dismissed."""
    longest_s: float = 8.0
    """Where an utterance is cut, at its least sure hop, and goes on as another."""
    before_s: float = 0.3
    """Context in front of the onset; detectors are up to 150 ms late."""
    speculate_s: float = 0.096
    """Silence after which the end is guessed, and context behind the offset."""
    confirm_s: float = 0.192
    """Silence after which it is over."""
    listening: bool = True
    """Whether speech begins an utterance; if not, only :meth:`Segmenter.press` does."""

    def __post_init__(self) -> None:
        if not 0 < self.leave <= self.enter <= 1:
            raise ValueError(f"scores: 0 < leave <= enter <= 1 is wanted, not {self.leave:g} and {self.enter:g}")
        if not 0 < self.speculate_s <= self.confirm_s:
            raise ValueError(f"0 < speculate_s <= confirm_s is wanted, not {self.speculate_s:g} and {self.confirm_s:g}")
        if not 0 <= self.shortest_s < self.longest_s or self.longest_s < 4 * self.confirm_s:
            raise ValueError(
                f"longest_s {self.longest_s:g}: must be more than shortest_s, and at least 4 times confirm_s"
            )
        if self.before_s < 0:
            raise ValueError(f"before_s {self.before_s:g}: must not be negative")


WORDS: Final = Cutting()
SENTENCES: Final = Cutting(speculate_s=0.192, confirm_s=0.32, longest_s=28.0)


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """An utterance with what is around it. Places are samples of the stream, from 0, at ``rate``.

    ``audio`` begins at ``start`` and holds values of 16 bits: a WAV file keeps it bit by bit.
    """

    utterance: int
    """Counted from 1."""
    start: int
    onset: int
    offset: int
    audio: Audio
    rate: int = RATE
    """Hz; a segmenter's are all of ``RATE``."""

    @classmethod
    def whole(cls, utterance: int, audio: Audio, rate: int) -> Segment:
        """A recording as it is, to be heard as it is: float32 mono, not empty."""
        return cls(utterance, 0, 0, len(audio), audio, rate)

    def framed(self, before_s: float, after_s: float | None = None) -> Audio:
        """Speech with at most so much of what is around it, as far as that is there; ``after_s`` is ``before_s`` if it
        is not given."""
        before, after = (round(self.rate * seconds) for seconds in (before_s, before_s if after_s is None else after_s))
        first = max(0, self.onset - before - self.start)
        return self.audio[first : max(first + 1, self.offset + after - self.start)]

    def same(self, other: Segment) -> bool:
        """Whether both are the same sound."""
        return (self.start, self.onset, self.offset) == (other.start, other.onset, other.offset) and np.array_equal(
            self.audio, other.audio
        )


@dataclass(frozen=True, slots=True)
class Hop:
    """32 ms were heard: for meters. ``at`` is the place behind them, as in all events."""

    at: int
    level_db: float
    score: float
    speaking: bool
    """Whether an utterance is under way."""


@dataclass(frozen=True, slots=True)
class Onset:
    """An utterance begins."""

    at: int
    utterance: int
    onset: int


@dataclass(frozen=True, slots=True)
class Speculation:
    """It may be over."""

    at: int
    segment: Segment


@dataclass(frozen=True, slots=True)
class End:
    """It is over; ``cut`` if only because it was the longest allowed."""

    at: int
    segment: Segment
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Dismissed:
    """It was too short to be speech."""

    at: int
    utterance: int


Event = Hop | Onset | Speculation | End | Dismissed


@dataclass(slots=True)
class _Utterance:
    """One under way; ``scores`` are those of its hops, the first of which ends at ``first``."""

    number: int
    onset: int
    first: int
    scores: list[float] = field(default_factory=list)
    held: bool = False
    guessed: int = -1
    """The offset last speculated on."""


class Segmenter:
    """Pure but for the detector's state and the samples kept; see the module."""

    def __init__(self, detector: Detector, cutting: Cutting = WORDS) -> None:
        self.cutting = cutting
        self._detector = detector
        self._tape = Tape()
        self._heard = 0
        self._count = 0
        self._free = 0
        self._open: _Utterance | None = None

    @property
    def end(self) -> int:
        """How many samples were pushed."""
        return self._tape.end

    def push(self, samples: Audio) -> list[Event]:
        """What happened in the hops that these complete; float32 mono, any number."""
        events: list[Event] = []
        for start in range(0, len(samples), PIECE):
            self._tape.append(to_grid(samples[start : start + PIECE]))
            while self._heard + HOP <= self._tape.end:
                self._hop(self._tape.between(self._heard, self._heard + HOP), events)
            self._tape.forget(self._context())
        return events

    def press(self) -> list[Event]:
        """Push to talk: an utterance begins now, or the one under way is held, and lasts until :meth:`release`."""
        if self._open is not None:
            self._open.held = True
            return []
        begun = self._begin(self._tape.end, self._heard + HOP)
        begun.held = True
        return [Onset(self._tape.end, begun.number, begun.onset)]

    def release(self) -> list[Event]:
        """The held utterance is over. Onset and offset are of the speech in it, or all of it where none was found."""
        utterance = self._open
        if utterance is None or not utterance.held:
            return []
        return [self._ended(utterance, *self._speech(utterance, self._tape.end), self._tape.end)]

    def finish(self) -> list[Event]:
        """The stream has ended: so has what is under way."""
        events: list[Event] = []
        end = self._tape.end
        if rest := end - self._heard:
            self._hop(np.pad(self._tape.between(self._heard, end), (0, HOP - rest)), events)
            self._heard = end
        utterance = self._open
        if utterance is not None:
            events.append(self._over(utterance, end))
        return events

    def current(self) -> Segment | None:
        """The utterance under way as far as it was heard, if there is one."""
        utterance = self._open
        if utterance is None:
            return None
        return self._segment(utterance.number, utterance.onset, max(self._heard, utterance.onset), self._tape.end)

    def _hop(self, hop: Audio, events: list[Event]) -> None:
        score = self._detector.score(hop)
        self._heard += HOP
        at = min(self._heard, self._tape.end)
        if self._open is None and self.cutting.listening and score >= self.cutting.enter:
            begun = self._begin(max(self._free, self._heard - HOP), self._heard)
            events.append(Onset(at, begun.number, begun.onset))
        utterance = self._open
        if utterance is not None and self._heard >= utterance.first:
            utterance.scores.append(score)
            events += self._after(utterance, at)
        events.append(Hop(at, rms_level(hop), score, self._open is not None))

    def _after(self, utterance: _Utterance, at: int) -> list[Event]:
        """What a hop makes of the utterance that it belongs to."""
        events: list[Event] = []
        cutting = self.cutting
        offset = self._offset(utterance)
        silence = at - offset
        if not utterance.held and silence >= round(cutting.confirm_s * RATE):
            events.append(self._over(utterance, at))
        elif at - utterance.onset >= round(cutting.longest_s * RATE):
            events += self._cut(utterance, at)
        elif (
            not utterance.held
            and silence >= round(cutting.speculate_s * RATE)
            and utterance.guessed != offset
            and self._enough(utterance)
        ):
            utterance.guessed = offset
            events.append(Speculation(at, self._segment(utterance.number, utterance.onset, offset, at)))
        return events

    def _begin(self, onset: int, first: int) -> _Utterance:
        self._count += 1
        self._open = _Utterance(self._count, onset, first)
        return self._open

    def _over(self, utterance: _Utterance, at: int) -> End | Dismissed:
        if utterance.held:
            return self._ended(utterance, *self._speech(utterance, at), at)
        if not self._enough(utterance):
            self._open = None
            return Dismissed(at, utterance.number)
        return self._ended(utterance, utterance.onset, min(self._offset(utterance), at), at)

    def _ended(self, utterance: _Utterance, onset: int, offset: int, at: int) -> End:
        self._open = None
        segment = self._segment(utterance.number, onset, offset, at)
        self._free = offset
        return End(at, segment)

    def _cut(self, utterance: _Utterance, at: int) -> list[Event]:
        """End one that is too long where it is least sure, within its second half; the rest goes on as another."""
        half = len(utterance.scores) // 2
        place = half + int(np.argmin(utterance.scores[half:]))
        here = min(max(utterance.first + (place - 1) * HOP, utterance.onset + 1), at)
        end = End(at, self._segment(utterance.number, utterance.onset, here, at), cut=True)
        self._free = here
        rest = self._begin(here, utterance.first + place * HOP)
        rest.scores, rest.held = utterance.scores[place:], utterance.held
        return [end, Onset(at, rest.number, here)]

    def _spoken(self, utterance: _Utterance) -> list[int]:
        """Which hops are speech: those at ``enter``, and those after them down to ``leave``."""
        spoken, before = [], False
        for place, score in enumerate(utterance.scores):
            before = score >= (self.cutting.leave if before else self.cutting.enter)
            if before:
                spoken.append(place)
        return spoken

    def _offset(self, utterance: _Utterance) -> int:
        spoken = self._spoken(utterance)
        return utterance.first + spoken[-1] * HOP if spoken else utterance.onset

    def _enough(self, utterance: _Utterance) -> bool:
        return len(self._spoken(utterance)) * HOP >= round(self.cutting.shortest_s * RATE)

    def _speech(self, utterance: _Utterance, end: int) -> tuple[int, int]:
        """Onset and offset within a held utterance."""
        spoken = self._spoken(utterance)
        if not self._enough(utterance):
            return utterance.onset, max(end, utterance.onset + 1)
        onset = max(utterance.onset, utterance.first + (spoken[0] - 1) * HOP)
        return onset, min(end, utterance.first + spoken[-1] * HOP)

    def _segment(self, number: int, onset: int, offset: int, at: int) -> Segment:
        """With context, as far as it is no other utterance's and was heard by ``at``."""
        start = max(onset - round(self.cutting.before_s * RATE), self._free)
        stop = min(offset + round(self.cutting.speculate_s * RATE), at)
        return Segment(number, start, onset, offset, self._tape.between(start, stop))

    def _context(self) -> int:
        """The first place that may still be wanted."""
        utterance = self._open
        onset = self._heard if utterance is None else min(utterance.onset, self._heard)
        return max(0, onset - round(self.cutting.before_s * RATE))

"""What backends are asked about: words of recordings, and what live use cuts out of noise and running speech."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.audio import ENDINGS, Audio, read
from bench.errors import BenchError
from bench.rejection.words import TEST, Word, read_words
from sound.activity import RATE, Detector, detectors
from sound.framing import handed
from sound.resample import resample
from sound.segment import WORDS, End, Segment, Segmenter
from sound.stream import to_grid

DIGIT, OTHER, NOISE, SPEECH = "digit", "other word", "noise", "running speech"
NOISES = ("noise", "nonspeech")
"""Folders of DIGITBENCH_DATA in which nobody speaks."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Something to be heard. Seconds of its recording, ``path`` under DIGITBENCH_DATA; of a word from its first to its
    last, of an utterance that the segmenter cut those of its onset and offset."""

    id: str
    kind: str
    part: str
    label: str
    path: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Sounds:
    """All of them, and the minutes of noise and of running speech that utterances were cut out of."""

    listed: tuple[Sound, ...]
    minutes: Mapping[str, float] = field(default_factory=dict)


def data_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Raises BenchError where DIGITBENCH_DATA names no folder."""
    root = environ.get("DIGITBENCH_DATA")
    if not root or not Path(root).expanduser().is_dir():
        raise BenchError("DIGITBENCH_DATA: name the folder that holds librispeech, librispeech_train100, common_voice")
    return Path(root).expanduser().absolute()


def find_sounds(data: Path, words: tuple[Word, ...] | None = None, limit: int | None = None) -> Sounds:
    """Every word of the list whose recording is there, and every utterance in noise and in the test recordings that
    hold no digit; of each kind, ``limit`` words or recordings. Raises BenchError where no recording is there."""
    listed = read_words() if words is None else words
    there = [word for word in listed if (data / word.path).is_file()]
    if not there:
        raise BenchError(f"{data}: none of the recordings of the list of words is there")
    spoken = [
        Sound(word.id, DIGIT if word.label else OTHER, word.part, word.label, word.path, word.start, word.end)
        for word in there
    ]
    if limit:
        groups: dict[tuple[str, str], list[Sound]] = {}
        for sound in spoken:
            groups.setdefault((sound.kind, sound.part), []).append(sound)
        spoken = [sound for group in groups.values() for sound in group[:: max(1, len(group) // limit)][:limit]]
    with_digits = {word.path for word in listed if word.label}
    speech = sorted({word.path for word in there if word.part == TEST} - with_digits)
    noise = sorted(
        path.relative_to(data).as_posix()
        for folder in NOISES
        for path in (data / folder).rglob("*")
        if path.suffix.lower() in ENDINGS
    )
    minutes, cut = {}, list[Sound]()
    make = detectors()
    for kind, paths in ((NOISE, noise), (SPEECH, speech)):
        seconds = 0.0
        for path in paths[:limit]:
            audio, rate = read(data / path)
            seconds += len(audio) / rate
            cut += [
                Sound(f"{path}@{part.onset}", kind, TEST, "", path, part.onset / RATE, part.offset / RATE)
                for part in utterances(resample(audio, rate, RATE), make)
            ]
        minutes[kind] = seconds / 60
    return Sounds((*spoken, *cut), minutes)


def utterances(audio: Audio, make: Callable[[], Detector]) -> Iterator[Segment]:
    """What live use cuts out of a recording at ``RATE``."""
    segmenter = Segmenter(make())
    for event in (*segmenter.push(audio), *segmenter.finish()):
        if isinstance(event, End):
            yield event.segment


class Reader:
    """Reads sounds; the last recording is kept, since its next sound comes next."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._path = ""
        self._audio: Audio
        self._rate = 0

    def __call__(self, sound: Sound, context_s: float) -> tuple[Audio, int]:
        """Samples and rate, utterances with what a backend wants of what is around them. Raises BenchError."""
        if sound.path != self._path:
            self._audio, self._rate = read(self._data / sound.path)
            if sound.kind in (NOISE, SPEECH):
                self._audio, self._rate = to_grid(resample(self._audio, self._rate, RATE)), RATE
            self._path = sound.path
        first, last = (round(second * self._rate) for second in (sound.start, sound.end))
        if sound.kind not in (NOISE, SPEECH):
            return self._audio[first:last], self._rate
        start = max(0, first - round(WORDS.before_s * RATE))
        stop = min(len(self._audio), last + round(WORDS.speculate_s * RATE))
        return handed(Segment(1, start, first, last, self._audio[start:stop]), context_s), RATE

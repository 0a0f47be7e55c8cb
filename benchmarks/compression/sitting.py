"""One sitting: a process of so many threads that hears every clip with every setting, in an order drawn for each clip.

``python -m benchmarks.compression.sitting SITTING PART THREADS FILE EVERY`` appends to FILE a JSON line for each clip
and setting that it lacks, of every so-manieth clip. SITTING: ``one`` and ``two`` (all clips; every third), ``base``
(every fifth, with the larger weights), ``joined``, ``silent``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from os import environ
from pathlib import Path
from typing import Any

import numpy as np

from backends import find
from backends.base import Backend
from benchmarks.compression.clips import Item, joined, silent, spoken
from benchmarks.compression.settings import FIFTH, SETTINGS, THIRD, Setting
from benchmarks.lines import append_lines, read_lines
from benchmarks.speech import RATE
from sound import Audio, compress
from sound.activity import Detector, detectors

FRAMES_PER_S = 50
WINDOW_S, WINDOW_TOKENS = 30, 1500


class Hearing:
    """A setting made ready: front end and recogniser."""

    def __init__(self, setting: Setting, size: str) -> None:
        self.setting = setting
        self._detector: Detector | None = detectors()() if setting.front else None
        self.backend: Backend = find(f"{setting.family}:{size}").load()({}, size, **setting.options)
        self.backend.prepare()
        self.backend.load()

    def hear_all(self, items: Sequence[Item]) -> dict[str, str]:
        """Texts of many clips by name, heard as one batch."""
        audios = [self._before(item.audio) for item in items]
        rows = [row for row, audio in enumerate(audios) if audio.size]
        heard = self.backend.predict_batch([audios[row] for row in rows])
        said = {items[row].name: prediction.text or "" for row, prediction in zip(rows, heard, strict=True)}
        return {item.name: said.get(item.name, "") for item in items}

    def _before(self, audio: Audio) -> Audio:
        if not self.setting.front:
            return audio
        return compress(audio, RATE, detector=self._detector, **self.setting.front).samples

    def hear(self, item: Item) -> dict[str, Any]:
        """The clip's text, its tokens by kind, and the seconds of wall and processor that it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        audio, text, facts = self._before(item.audio), "", dict[str, float]()
        if audio.size:
            prediction = self.backend.predict(audio)
            text, facts = prediction.text or "", dict(prediction.facts or {})
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        windows = -(-audio.size // (WINDOW_S * RATE))
        known = {"clip_tokens": audio.size / RATE * FRAMES_PER_S, "encoder_tokens": WINDOW_TOKENS * windows}
        return {
            "text": text,
            "wall_s": wall,
            "cpu_s": cpu,
            "facts": known | facts | {"clip_tokens": known["clip_tokens"]},
        }


def items(sitting: str, data: Path, part: str) -> list[Item]:
    """What is heard in a sitting."""
    if sitting in ("joined", "silent"):
        return (joined if sitting == "joined" else silent)(data, part)
    found = spoken(data, part)
    return found[:: {"one": 1, "two": THIRD, "base": FIFTH}[sitting]]


def done(file: Path) -> set[tuple[str, str]]:
    """Clips and settings that the file has lines of."""
    return {(line["clip"], line["key"]) for line in read_lines(file)}


def main() -> None:
    """Hear what is missing."""
    sitting, part, threads, name, every = sys.argv[1:6]
    file, data = Path(name), Path(environ["DIGITBENCH_DATA"])
    there = done(file)
    wanted = items(sitting, data, part)[:: int(every)]
    chosen = [setting for setting in SETTINGS if sitting in setting.sittings]
    missing = [
        (
            item,
            [
                s
                for s in chosen
                if number % (s.every if sitting == "one" else 1) == 0 and (item.name, s.key) not in there
            ],
        )
        for number, item in enumerate(wanted)
    ]
    needed = [setting for setting in chosen if any(setting in settings for _, settings in missing)]
    ready: Mapping[str, Hearing] = {s.key: Hearing(s, "base" if sitting == "base" else "tiny.en") for s in needed}
    rng = np.random.default_rng(0)
    for hearing in ready.values():  # a process's first call is not what the next ones take
        hearing.hear(wanted[0])
    for item, settings in (missing[row] for row in rng.permutation(len(missing))):
        for number in rng.permutation(len(settings)):
            setting = settings[number]
            line = {"clip": item.name, "setting": setting.name, "key": setting.key, "threads": int(threads)}
            append_lines(file, [line | ready[setting.key].hear(item)])


if __name__ == "__main__":
    main()

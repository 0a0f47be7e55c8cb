"""Pairs of clip and WER: every clip of a part under every condition, heard once, kept for good.

Resumable: a pair that is written down is not made again. Randomness follows from the clip and the kind of condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.conditions import Resources
from bench.conditions.apply import apply
from bench.conditions.spec import parse
from bench.errors import BenchError
from bench.quality.mel import RATE, quantised
from benchmarks.lines import append_lines, read_lines
from benchmarks.speech import Utterance, word_errors
from benchmarks.wer.system import Hypothesis, WatchedWhisper
from sound import Audio

CONDITIONS = {
    "dev": (
        "clean", "speed:1.25", "speed:1.5", "speed:1.75", "noise:dishes@10dB", "noise:dishes@0dB",
        "noise:exercise_bike@10dB", "noise:exercise_bike@0dB", "noise:exercise_bike@-5dB", "noise:white@5dB",
        "noise:pink@5dB", "reverb:room@0.6s",
    ),
    "test": (
        "clean", "speed:1.25", "speed:1.5", "noise:running_tap@5dB", "noise:dude_miaowing@0dB", "noise:pink@0dB",
        "reverb:rir_clap",
    ),
}  # fmt: skip
"""Part -> conditions. Of the noises of the test part only pink is among those learned from."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One transcript of one clip under one condition, its errors and the decoder's confidence."""

    corpus: str
    id: str
    speaker: str
    part: str
    condition: str
    seconds: float
    reference: str
    text: str
    errors: int
    words: int
    facts: dict[str, float]

    @property
    def wer(self) -> float:
        """Errors a word of the reference, at most 1: an invented sentence is as lost as one that is missing."""
        return min(1.0, self.errors / self.words)


def read(path: Path) -> list[Pair]:
    """Pairs of a file; none where there is no file. Raises BenchError for a line that is no pair."""
    try:
        return [Pair(**row) for row in read_lines(path)]
    except TypeError as error:
        raise BenchError(f"{path}: holds what is no pair ({error}); delete the file to make it anew") from error


def make(clips: Iterable[Utterance], part: str, path: Path, mels: Path) -> Iterator[Pair]:
    """Append the pairs that ``path`` lacks, and put mel-spectrograms in ``mels``, a file a clip; yields new pairs."""
    pairs = read(path)
    mels.mkdir(parents=True, exist_ok=True)
    have = {(pair.corpus, pair.id, pair.condition) for pair in pairs}
    resources = Resources.find()
    system: WatchedWhisper | None = None
    for clip in clips:
        conditions = CONDITIONS[part]
        missing = [each for each in conditions if (clip.corpus, clip.id, each) not in have]
        stored = mel_file(mels, clip.corpus, clip.id)
        if not missing and stored.exists():
            continue
        audio = clip.audio()
        changed = {each: _changed(clip, audio, each, resources) for each in conditions}
        mel: dict[str, Any] = {each: quantised(samples) for each, samples in changed.items()}
        np.savez_compressed(stored, **mel)
        system = system or WatchedWhisper()
        new = list(_pairs(clip, part, {each: changed[each] for each in missing}, system))
        append_lines(path, map(asdict, new))
        yield from new


def mel_file(mels: Path, corpus: str, identity: str) -> Path:
    """Where the spectrograms of a clip are, by condition."""
    return mels / f"{corpus}-{identity.replace('/', '-')}.npz"


def _changed(clip: Utterance, audio: Audio, condition: str, resources: Resources) -> Audio:
    return apply(parse(condition), audio, RATE, clip=clip.id, speaker=clip.speaker, resources=resources)[0]


def _pairs(clip: Utterance, part: str, audios: dict[str, Audio], system: WatchedWhisper) -> Iterator[Pair]:
    lengths: dict[int, list[str]] = {}
    for condition, audio in audios.items():
        lengths.setdefault(audio.size, []).append(condition)
    hypotheses: dict[str, Hypothesis] = {}
    for conditions in lengths.values():
        hypotheses |= zip(conditions, system.hear([audios[each] for each in conditions]), strict=True)
    for condition, answer in hypotheses.items():
        errors, words = word_errors(clip.text, answer.text)
        seconds = audios[condition].size / RATE
        if words:
            yield Pair(
                clip.corpus, clip.id, clip.speaker, part, condition, seconds, clip.text, answer.text, errors, words,
                answer.facts,
            )  # fmt: skip

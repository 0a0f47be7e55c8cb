"""Sound with known places in it: digits and gaps, noise, sentences and gaps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.audio import read
from bench.conditions.noise import mix
from bench.configfile import read_config
from bench.corpora import open_corpus
from bench.errors import BenchError
from benchmarks.speech import seeded, utterances
from sound import Audio
from sound.level import active_level, limited
from sound.resample import resample

ROOM = 5e-4
"""Standard deviation of the hiss between words: -66 dB."""
LEAD_S = 1.5
NOISES = ("doing_the_dishes", "dude_miaowing", "exercise_bike", "running_tap")


@dataclass(frozen=True, slots=True)
class Said:
    """Words and where they are, in seconds."""

    audio: Audio
    rate: int
    spans: tuple[tuple[float, float], ...]

    @property
    def seconds(self) -> float:
        """Of all of it."""
        return len(self.audio) / self.rate


def joined(parts: Sequence[Audio], rate: int, gaps_s: tuple[float, float], name: str) -> Said:
    """Parts with gaps drawn from a range between them, over the hiss of a quiet room, after ``LEAD_S`` of that."""
    rng = seeded("live", name)
    spans, place = list[tuple[float, float]](), LEAD_S
    for part in parts:
        spans.append((place, place + len(part) / rate))
        place = spans[-1][1] + float(rng.uniform(*gaps_s))
    audio = rng.normal(0, ROOM, round((place + 0.5) * rate)).astype(np.float32)
    for part, (start, _) in zip(parts, spans, strict=True):
        audio[round(start * rate) :][: len(part)] += part
    return Said(audio.clip(-1, 1), rate, tuple(spans))


def digits(count: int, rate: int, level_db: float | None = None) -> Said:
    """One of each digit by each speaker, from the official test of FSDD, gaps of 0.3-2 s.

    ``level_db`` brings each to that active level (they span 33 dB): of words in noise, each then has the same SNR.
    """
    config = read_config(None, {"corpus": "fsdd"})
    corpus = open_corpus("fsdd", config.vocabulary)
    clips = corpus.clips[corpus.clips["official"] == "test"].sort_values("clip")
    chosen = clips.groupby(["label", "speaker"], sort=True).head(1).sample(frac=1, random_state=0).head(count)
    sounds = [read(corpus.root / path) for path in chosen["path"]]
    parts = [resample(audio, source_rate, rate) for audio, source_rate in sounds]
    if level_db is not None:
        parts = [limited(audio * 10 ** ((level_db - active_level(audio, rate)) / 20)) for audio in parts]
    return joined(parts, rate, (0.3, 2.0), "digits")


def sentences(data: Path, seconds: float, rate: int = 16_000) -> Said:
    """LibriSpeech of the test part, in the order of its list, gaps of 0.6-1.5 s."""
    parts, total = list[Audio](), 0.0
    for each in utterances(data, "test", ("librispeech",)):
        if total >= seconds:
            break
        parts.append(resample(each.audio(), 16_000, rate))
        total += len(parts[-1]) / rate
    return joined(parts, rate, (0.6, 1.5), "sentences")


def noise(data: Path, name: str, rate: int) -> Audio:
    """A recording of noise. Raises BenchError if it is not there."""
    path = data / "noise" / f"{name}.wav"
    if not path.is_file():
        raise BenchError(f"{path}: not there; noise comes from DIGITBENCH_DATA")
    audio, source_rate = read(path)
    return resample(audio, source_rate, rate)


def noisy(recording: Said, sound: Audio, snr_db: float) -> Said:
    """The same in noise that is repeated as long as it takes."""
    return Said(
        mix(recording.audio, np.resize(sound, len(recording.audio)), snr_db, recording.rate),
        recording.rate,
        recording.spans,
    )


def matched(spans: Sequence[tuple[float, float]], onset_s: float, offset_s: float, slack_s: float = 0.15) -> int | None:
    """Which of the words a cut overlaps most, None where none."""
    overlaps = [min(offset_s, end + slack_s) - max(onset_s, start - slack_s) for start, end in spans]
    best = int(np.argmax(overlaps))
    return best if overlaps[best] > 0 else None

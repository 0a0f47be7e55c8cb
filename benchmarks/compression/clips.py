"""What is heard: the corpora's frozen parts, LibriSpeech joined with gaps of noise, cuts in which nobody speaks.

Everything comes from the folder that ``DIGITBENCH_DATA`` names, as its README lays it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from audiodecode.limits import UNLIMITED
from bench.audio import read
from benchmarks.speech import RATE, utterances
from sound import Audio
from sound.level import active_level, rms_level
from sound.resample import resample

GAPS_S = (0.3, 4.0)
SNR_DB = 20.0
CUT_S = 3.0
CHOSEN_ON = ("doing_the_dishes", "exercise_bike")
"""Noise files on dev; on test the others."""


@dataclass(frozen=True, slots=True)
class Item:
    """One recording at 16 kHz with its words, none where nobody speaks."""

    name: str
    corpus: str
    speaker: str
    text: str
    audio: Audio

    @property
    def seconds(self) -> float:
        return self.audio.size / RATE


def spoken(data: Path, part: str) -> list[Item]:
    """The clips of a part of transcription_parts.csv that have words, in its order."""
    return [Item(each.id, each.corpus, each.speaker, each.text, each.audio()) for each in utterances(data, part)]


def joined(data: Path, part: str, seed: int = 0) -> list[Item]:
    """Each speaker's read clips (LibriSpeech's, on dev those of train100) three at a time, with gaps of noise between
    and around them, 20 dB below the speech.

    Gaps last 0.3-4 s, log-uniform.
    """
    corpus = "librispeech" if part == "test" else "librispeech_train100"
    items = [item for item in spoken(data, part) if item.corpus == corpus]
    noises = [audio for _, audio in _noises(data, part)]
    rng = np.random.default_rng(seed)
    if part == "dev":  # one clip a speaker: neighbours are joined
        groups = [items[start : start + 2] for start in range(0, len(items) - 1, 4)]
    else:
        by_speaker: dict[str, list[Item]] = {}
        for item in items:
            by_speaker.setdefault(item.speaker, []).append(item)
        groups = [clips[start : start + 3] for clips in by_speaker.values() for start in range(0, len(clips), 3)]
    return [_joined(group, noises, rng) for group in groups]


def silent(data: Path, part: str) -> list[Item]:
    """Cuts of 3 s of two of the noise files, and half of the sounds without speech: every other one, by name."""
    half = sorted((data / "nonspeech").glob("*.flac"))[0 if part == "dev" else 1 :: 2]
    length = round(CUT_S * RATE)
    cuts = [
        (f"{name}@{start / RATE:g}", audio[start : start + length])
        for name, audio in _noises(data, part)
        for start in range(0, audio.size - length + 1, length)
    ]
    sounds = [(path.stem, resample(*read(path, UNLIMITED), RATE)) for path in half]
    return [Item(name, "silent", name, "", audio) for name, audio in (*cuts, *sounds)]


def _noises(data: Path, part: str) -> list[tuple[str, Audio]]:
    files = [path for path in sorted((data / "noise").glob("*.wav")) if (path.stem in CHOSEN_ON) == (part == "dev")]
    return [(path.stem, resample(*read(path, UNLIMITED), RATE)) for path in files]


def _joined(group: list[Item], noises: list[Audio], rng: np.random.Generator) -> Item:
    low, high = np.log(GAPS_S)
    gaps = [round(float(np.exp(rng.uniform(low, high))) * RATE) for _ in range(len(group) + 1)]
    clips = [item.audio for item in group]
    speech = np.concatenate(
        [
            np.zeros(gaps[0], np.float32),
            *(x for c, g in zip(clips, gaps[1:], strict=True) for x in (c, np.zeros(g, np.float32))),
        ]
    )
    noise = noises[int(rng.integers(len(noises)))]
    start = int(rng.integers(noise.size))
    bed = np.take(noise, np.arange(start, start + speech.size), mode="wrap")
    gain = 10 ** ((active_level(np.concatenate(clips), RATE) - SNR_DB - rms_level(bed)) / 20)
    audio = (speech + np.float32(gain) * bed).astype(np.float32)
    return Item(
        "+".join(item.name for item in group), "joined", group[0].speaker, " ".join(i.text for i in group), audio
    )

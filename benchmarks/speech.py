"""Clips with the words said in them, of one part of the frozen division: what benchmarks of speech share."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.audio import read
from bench.errors import BenchError
from bench.tasks.words import normalised, word_edits
from sound import Audio
from sound.resample import resample

RATE = 16_000
PARTS = "transcription_parts.csv"
CORPORA = {
    "librispeech": ("utt_id", "text"),
    "librispeech_train100": ("utt_id", "text"),
    "common_voice": ("path", "sentence"),
}
"""Folder -> columns of its ``transcripts.csv`` that hold the id and the words."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One clip of a corpus; ``speaker`` is the clip's own id where nobody knows who speaks."""

    corpus: str
    id: str
    path: Path
    speaker: str
    text: str

    def audio(self) -> Audio:
        """At 16 kHz. Raises BenchError for a file that cannot be read."""
        audio, rate = read(self.path)
        return resample(audio, rate, RATE)


def data_folder() -> Path:
    """What DIGITBENCH_DATA names. Raises BenchError where it names no folder with the frozen division."""
    root = os.environ.get("DIGITBENCH_DATA")
    folder = Path(root).expanduser() if root else None
    if folder is None or not (folder / PARTS).is_file():
        raise BenchError(f"DIGITBENCH_DATA must name a folder with {PARTS}, not {root!r}: see docs/setup.md")
    return folder


def parts(data: Path) -> dict[tuple[str, str], str]:
    """The frozen division, in the order of its list: (corpus, id) -> part."""
    with (data / PARTS).open(newline="", encoding="utf-8") as file:
        return {(row["corpus"], row["id"]): row["part"] for row in csv.DictReader(file)}


def transcribed(folder: Path) -> Iterator[Utterance]:
    """Every clip of a corpus, in the order of its transcripts. Raises BenchError where there are none."""
    identity, words = CORPORA[folder.name]
    transcripts = folder / "transcripts.csv"
    if not transcripts.is_file():
        raise BenchError(f"{transcripts}: no such file")
    with transcripts.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = row[identity]
            yield Utterance(folder.name, name, folder / row["path"], row.get("speaker") or name, row[words])


def utterances(data: Path, part: str, corpora: Sequence[str] = tuple(CORPORA)) -> list[Utterance]:
    """Clips of a part, in the order of its list, those without words left out.

    Raises BenchError for a corpus or a clip of the list that is not there.
    """
    known = {(each.corpus, each.id): each for corpus in corpora for each in transcribed(data / corpus)}
    listed = [key for key, of in parts(data).items() if of == part and key[0] in corpora]
    if missing := [key for key in listed if key not in known]:
        raise BenchError(f"{data}: {PARTS} lists {missing[0][1]} of {missing[0][0]}, whose transcripts lack it")
    return [known[key] for key in listed if known[key].text.strip()]


def seeded(*names: object) -> np.random.Generator:
    """Randomness that follows from names alone."""

    digest = hashlib.sha256("\x00".join(map(str, names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def word_errors(reference: str, text: str) -> tuple[int, int]:
    """Errors, and words of the reference, as the task of transcription counts them."""
    (edits,) = word_edits([normalised(reference)], [normalised(text)])
    return edits.errors, edits.units


def spread(clips: Sequence[Utterance]) -> list[Utterance]:
    """In an order that follows from their names alone: the first few are of every corpus and speaker."""
    return sorted(clips, key=lambda clip: float(seeded(clip.corpus, clip.id).random()))

"""Every clip that a backend got wrong, what each backend heard, and its sound: the data behind the gallery."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import soundfile
from numpy.typing import NDArray

from audiodecode.limits import UNLIMITED
from bench.audio import fingerprint, read
from bench.cells import entries
from bench.corpora.base import Corpus
from bench.errors import BenchError
from bench.records.schema import Run
from bench.report.tables.outcomes import FLOOR, HARDEST_FIRST, backends
from sound.resample import resample

Samples = NDArray[np.float32]
Audio = Callable[[str], tuple[Samples, int]]
"""Clip id -> float32 mono samples and their rate. A BenchError leaves the clip without a player."""
Treat = Callable[[str, str, Samples, int], tuple[Samples, int]]
"""Condition, clip id, samples, rate -> what a backend heard under that condition."""

CLEAN: Final = "clean"
SOUND_BYTES: Final = 11_000_000
"""Of base64, at most: the page stays under 15 MB."""
_MP3_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_COMPRESSION: Final = 0.5


def recordings(run: Run, corpus: Corpus) -> Audio:
    """Sounds of a run's clips. Raises BenchError, when asked, for a clip that the corpus lacks or has otherwise."""
    known = {entry["clip"]: entry for entry in entries(run.clips, np.arange(len(run.clips)), corpus.folders)}

    def audio(clip: str) -> tuple[Samples, int]:
        path = Path(known[clip]["path"])
        samples, rate = read(path, UNLIMITED)
        if fingerprint(samples, rate) != known[clip]["sha256"]:
            raise BenchError(f"{path}: not the recording that was heard")
        return samples, rate

    return audio


def gallery(run: Run, audio: Audio | None = None, treat: Treat | None = None) -> dict[str, Any]:
    """What the page's script reads.

    An item is [clip, condition, heard per backend, sound or -1, 1 if the sound is as the backends heard it].
    heard is null, or [label or -1 for no digit, text or -1]: all are places in the lists beside. Most often wrong
    first. A trained backend is shown on the hardest split that tested the clip; the floor is not shown.
    """
    names = [name for name in backends(run) if name != FLOOR]
    labels = list(run.info["vocabulary"])
    heard = _heard(run, names)
    conditions = sorted(heard["condition"].unique(), key=lambda name: (name != CLEAN, name))
    texts: dict[str, int] = {}
    codes = {name: i for i, name in enumerate(names)}
    places = {label: i for i, label in enumerate(labels)}
    grouped: dict[tuple[str, str], list[Any]] = {}
    wrong: dict[tuple[str, str], int] = {}
    columns = (heard[name] for name in ("backend", "condition", "clip", "label", "predicted", "text"))
    for backend, condition, clip, label, predicted, text in zip(*columns, strict=True):
        key = (str(clip), str(condition))
        told = -1 if pd.isna(text) else texts.setdefault(str(text).strip(), len(texts))
        said = -1 if predicted is None else places.get(str(predicted), -1)
        grouped.setdefault(key, [None] * len(names))[codes[backend]] = [said, told]
        wrong[key] = wrong.get(key, 0) + int(predicted != label)
    order = sorted((key for key in grouped if wrong[key]), key=lambda key: (-wrong[key], key[1] != CLEAN, key))
    table = run.clips.set_index("clip")
    clips = sorted({clip for clip, _ in order})
    speakers = sorted({str(name) for name in table["speaker"].dropna()})
    at = {clip: i for i, clip in enumerate(clips)}
    sounds = _Sounds(audio, treat)
    found = {key: sounds.find(*key) for key in [*((clip, CLEAN) for clip in clips), *_in_turn(order)]}
    return {
        "labels": labels,
        "speakers": speakers,
        "backends": names,
        "conditions": conditions,
        "texts": list(texts),
        "clips": [_clip(table.loc[[clip]].iloc[0], clip, labels, speakers) for clip in clips],
        "items": [[at[clip], conditions.index(name), grouped[clip, name], *found[clip, name]] for clip, name in order],
        "sounds": sounds.encoded,
    }


def encode(samples: Samples, rate: int) -> bytes:
    """MP3, mono, at the nearest rate the format has that is not lower.

    Every browser plays it, and it holds nothing random: an Ogg stream has a serial number drawn by chance.
    """
    target = next((known for known in _MP3_RATES if known >= rate), _MP3_RATES[-1])
    buffer = io.BytesIO()
    sound = np.clip(resample(samples, rate, target), -1, 1)
    soundfile.write(buffer, sound, target, format="MP3", subtype="MPEG_LAYER_III", compression_level=_COMPRESSION)
    return buffer.getvalue()


def _in_turn(order: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first clip of every condition, then the second of each: whatever room there is, each gets its share."""
    turns: dict[str, int] = {}
    turned = []
    for clip, condition in order:
        turns[condition] = turns.get(condition, 0) + 1
        turned.append((turns[condition], (clip, condition)))
    return [key for _, key in sorted(turned)]


class _Sounds:
    """Encodes each sound once, in the order asked for, until the page is full."""

    def __init__(self, audio: Audio | None, treat: Treat | None) -> None:
        self._audio, self._treat = audio, treat
        self._places: dict[tuple[str, str], int] = {}
        self._room = SOUND_BYTES
        self.encoded: list[str] = []

    def find(self, clip: str, condition: str) -> tuple[int, int]:
        """Place of the sound, -1 if there is none, and 1 if it is as the backends heard it."""
        clean = self._place(clip, CLEAN)
        if condition == CLEAN or clean < 0:
            return clean, 1
        treated = self._place(clip, condition) if self._treat else -1
        return (treated, 1) if treated >= 0 else (clean, 0)

    def _place(self, clip: str, condition: str) -> int:
        key = (clip, condition)
        if key not in self._places:
            self._places[key] = self._add(clip, condition)
        return self._places[key]

    def _add(self, clip: str, condition: str) -> int:
        if self._audio is None or self._room <= 0:
            return -1
        try:
            samples, rate = self._audio(clip)
            if condition != CLEAN and self._treat is not None:
                samples, rate = self._treat(condition, clip, samples, rate)
            text = base64.b64encode(encode(samples, rate)).decode()
        except BenchError:
            return -1
        self._room -= len(text)
        if self._room < 0:
            return -1
        self.encoded.append(text)
        return len(self.encoded) - 1


def _heard(run: Run, names: list[str]) -> pd.DataFrame:
    """One row per backend, condition and clip."""
    rows = run.predictions[run.predictions["backend"].isin(names)]
    hardness = rows["split"].map({split: i for i, split in enumerate(HARDEST_FIRST)}).fillna(-1)
    keys = ["backend", "condition", "clip"]
    rows = rows.assign(hardness=hardness).sort_values([*keys, "hardness"], kind="stable").drop_duplicates(keys)
    rows = rows.assign(predicted=rows["predicted"].astype(object).where(rows["predicted"].notna(), None))
    return rows[[*keys, "label", "predicted", "text"]]


def _clip(row: pd.Series, clip: str, labels: list[str], speakers: list[str]) -> list[Any]:
    """[id, label, speaker or -1, seconds, Hz]."""
    speaker = -1 if pd.isna(row["speaker"]) else speakers.index(str(row["speaker"]))
    rate = int(row["sample_rate"])
    return [clip, labels.index(row["label"]), speaker, round(int(row["samples"]) / rate, 3), rate]

"""Every clip that a backend got wrong, what each backend answered, and its sound: the data behind the gallery."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from typing import Any, Final

import pandas as pd

from bench.names import CLEAN, FLOOR
from bench.records.schema import Run
from bench.report.tables.outcomes import backends
from bench.splits import SPLITS

Sound = Callable[[str, str], bytes | None]
"""Clip id, condition -> MP3 of what a backend heard, or None where that is not to be had."""

SOUND_BYTES: Final = 11_000_000
"""Of base64, at most: the page stays under 15 MB."""


def gallery(run: Run, sound: Sound | None = None) -> dict[str, Any]:
    """What the page's script reads.

    An item is [clip, condition, answer per backend, sound or -1, 1 if the sound is as the backends heard it]. An answer
    is null, or [answer or -1 for none, text or -1, errors]: answers and texts are places in the lists beside. Most
    errors first. A trained backend is shown on the hardest split that tested the clip; the floor is not shown.
    """
    names = [name for name in backends(run) if name != FLOOR]
    rows = _rows(run, names)
    conditions = sorted(rows["condition"].unique(), key=lambda name: (name != CLEAN, name))
    answers = {label: i for i, label in enumerate(run.info["vocabulary"])}
    texts: dict[str, int] = {}
    codes = {name: i for i, name in enumerate(names)}
    items: dict[tuple[str, str], list[Any]] = {}
    errors: dict[tuple[str, str], int] = {}
    columns = (rows[name] for name in ("backend", "condition", "clip", "reference", "predicted", "text", "errors"))
    for backend, condition, clip, reference, predicted, text, wrong in zip(*columns, strict=True):
        key = (str(clip), str(condition))
        transcript = -1 if pd.isna(text) else texts.setdefault(str(text).strip(), len(texts))
        shown = None if predicted is None else run.task.shown(str(reference), str(predicted))
        answer = -1 if shown is None else answers.setdefault(shown, len(answers))
        items.setdefault(key, [None] * len(names))[codes[backend]] = [answer, transcript, int(wrong)]
        errors[key] = errors.get(key, 0) + int(wrong)
    order = sorted((key for key in items if errors[key]), key=lambda key: (-errors[key], key[1] != CLEAN, key))
    table = run.clips.set_index("clip")
    clips = sorted({clip for clip, _ in order})
    speakers = sorted({str(name) for name in table["speaker"].dropna()})
    described = [_clip(table.loc[[clip]].iloc[0], clip, answers, speakers) for clip in clips]
    at = {clip: i for i, clip in enumerate(clips)}
    sounds = _Sounds(sound)
    places = {key: sounds.find(*key) for key in [*((clip, CLEAN) for clip in clips), *_in_turn(order)]}
    return {
        "answers": list(answers),
        "none": run.task.none,
        "speakers": speakers,
        "backends": names,
        "conditions": conditions,
        "texts": list(texts),
        "clips": described,
        "items": [[at[clip], conditions.index(name), items[clip, name], *places[clip, name]] for clip, name in order],
        "sounds": sounds.encoded,
    }


def _in_turn(order: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """The first clip of every condition, then the second of each: whatever room there is, each gets its share."""
    turns: dict[str, int] = {}
    turned = []
    for clip, condition in order:
        turns[condition] = turns.get(condition, 0) + 1
        turned.append((turns[condition], (clip, condition)))
    return [key for _, key in sorted(turned)]


class _Sounds:
    """Keeps each sound once, in the order asked for, until the page is full."""

    def __init__(self, sound: Sound | None) -> None:
        self._sound = sound
        self._places: dict[tuple[str, str], int] = {}
        self._room = SOUND_BYTES
        self.encoded: list[str] = []

    def find(self, clip: str, condition: str) -> tuple[int, int]:
        """Place of the sound, -1 if there is none, and 1 if it is as the backends heard it."""
        clean = self._place(clip, CLEAN)
        if condition == CLEAN or clean < 0:
            return clean, 1
        treated = self._place(clip, condition)
        return (treated, 1) if treated >= 0 else (clean, 0)

    def _place(self, clip: str, condition: str) -> int:
        key = (clip, condition)
        if key not in self._places:
            self._places[key] = self._add(clip, condition)
        return self._places[key]

    def _add(self, clip: str, condition: str) -> int:
        content = self._sound(clip, condition) if self._sound and self._room > 0 else None
        if content is None:
            return -1
        text = base64.b64encode(content).decode()
        self._room -= len(text)
        if self._room < 0:
            return -1
        self.encoded.append(text)
        return len(self.encoded) - 1


def _rows(run: Run, names: list[str]) -> pd.DataFrame:
    """One row per backend, condition and clip."""
    rows = run.predictions[run.predictions["backend"].isin(names)]
    hardness = rows["split"].map({split: i for i, split in enumerate(SPLITS)}).fillna(-1)
    keys = ["backend", "condition", "clip"]
    rows = rows.assign(hardness=hardness).sort_values([*keys, "hardness"], kind="stable").drop_duplicates(keys)
    rows = rows.assign(predicted=rows["predicted"].astype(object).where(rows["predicted"].notna(), None))
    return rows[[*keys, "reference", "predicted", "text", "errors"]]


def _clip(row: pd.Series, clip: str, answers: dict[str, int], speakers: list[str]) -> list[Any]:
    """[id, reference, speaker or -1, seconds, Hz]."""
    speaker = -1 if pd.isna(row["speaker"]) else speakers.index(str(row["speaker"]))
    reference = answers.setdefault(str(row["reference"]), len(answers))
    rate = int(row["sample_rate"])
    return [clip, reference, speaker, round(int(row["samples"]) / rate, 3), rate]

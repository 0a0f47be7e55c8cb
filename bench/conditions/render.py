"""Changed clips, written to disk once for all backends: they all hear the same samples, and no clock runs meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import soundfile

from audiodecode.limits import UNLIMITED
from bench.audio import Audio, fingerprint, read
from bench.clips import Clip
from bench.errors import BenchError

INDEX = "clips.jsonl"

Change = Callable[[Clip, Audio, int], tuple[Audio, int]]
"""Clip, samples, rate -> changed samples and their rate."""


def render(clips: Iterable[Clip], folder: Path, change: Change, check: bool = False) -> Iterator[Clip]:
    """The clips with path and sha256 of what they were changed to, float32 WAV in ``folder``.

    What is there already, made of the same samples, is taken over; with ``check`` only if it can be read and holds what
    it held. Raises BenchError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = _index(folder)
    with (folder / INDEX).open("a", encoding="utf-8") as index:
        for clip in clips:
            path = folder / f"{hashlib.sha256(clip.id.encode()).hexdigest()[:24]}.wav"
            made = known.get((path.name, clip.sha256))
            if made is None or (check and not _holds(path, made)):
                samples, rate = change(clip, *read(Path(clip.path), UNLIMITED))
                soundfile.write(path, samples, rate, subtype="FLOAT")
                made = fingerprint(samples, rate)
                index.write("\n" + json.dumps([path.name, clip.sha256, made]) + "\n")
                index.flush()
            yield replace(clip, path=str(path), sha256=made)


def _index(folder: Path) -> dict[tuple[str, str], str]:
    """(file, sha256 of the clip it was made of) -> sha256 of what it holds."""
    path = folder / INDEX
    found = {}
    for line in path.read_bytes().splitlines() if path.exists() else []:
        with suppress(ValueError, TypeError):  # a line may be torn, which is why each begins with a line of its own
            name, source, made = json.loads(line)
            if (folder / str(name)).exists():
                found[str(name), str(source)] = str(made)
    return found


def _holds(path: Path, made: str) -> bool:
    try:
        return fingerprint(*read(path, UNLIMITED)) == made
    except BenchError:
        return False

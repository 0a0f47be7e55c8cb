"""Changed clips, written to disk once for all backends: they all hear the same samples, and no clock runs meanwhile."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import soundfile

from bench.audio import Audio, fingerprint, read
from bench.limits import UNLIMITED

INDEX = "clips.jsonl"

Entry = dict[str, Any]
Change = Callable[[Entry, Audio, int], tuple[Audio, int]]
"""Entry, samples, rate -> changed samples and their rate."""


def render(entries: Iterable[Entry], folder: Path, change: Change) -> Iterator[Entry]:
    """The entries (:func:`bench.plan.entries`) with path and sha256 of the changed clips, float32 WAV in ``folder``.

    What is there already, made of the same samples, is taken over. Raises BenchError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    known = _index(folder)
    with (folder / INDEX).open("a", encoding="utf-8") as index:
        for entry in entries:
            name = f"{hashlib.sha256(entry['clip'].encode()).hexdigest()[:24]}.wav"
            made = known.get((name, entry["sha256"]))
            if made is None:
                samples, rate = change(entry, *read(Path(entry["path"]), UNLIMITED))
                soundfile.write(folder / name, samples, rate, subtype="FLOAT")
                made = fingerprint(samples, rate)
                index.write(json.dumps([name, entry["sha256"], made]) + "\n")
                index.flush()
            yield {**entry, "path": str(folder / name), "sha256": made}


def _index(folder: Path) -> dict[tuple[str, str], str]:
    """(file, sha256 of the clip it was made of) -> sha256 of what it holds."""
    path = folder / INDEX
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        with suppress(ValueError):  # the last line of an interrupted run may be torn
            name, source, made = json.loads(line)
            if (folder / name).exists():
                found[name, source] = made
    return found

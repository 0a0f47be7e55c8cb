"""Test clips under a condition, written to disk once for all backends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import soundfile

from bench.audio import fingerprint, read
from bench.conditions.apply import apply
from bench.conditions.resources import Resources
from bench.conditions.spec import CLEAN, Condition

PACKAGES = ("av", "numpy", "pyroomacoustics", "scipy", "soxr")

Entry = dict[str, Any]


def render(
    condition: Condition, entries: Iterable[Entry], folder: Path, seed: int, resources: Resources
) -> Iterator[Entry]:
    """The entries (:func:`bench.plan.entries`) with path and sha256 of the changed clips, float32 WAV in ``folder``.

    All backends so hear the same samples, and nothing of this is done while a clock runs. Clean entries come back as
    they are. Raises BenchError.
    """
    if condition == CLEAN:
        yield from entries
        return
    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        audio, rate = read(Path(entry["path"]))
        changed, rate = apply(
            condition, audio, rate, clip=entry["clip"], speaker=entry["speaker"], seed=seed, resources=resources
        )
        path = folder / f"{hashlib.sha256(entry['clip'].encode()).hexdigest()[:24]}.wav"
        soundfile.write(path, changed, rate, subtype="FLOAT")
        yield {**entry, "path": str(path), "sha256": fingerprint(changed, rate)}


def identity(condition: Condition, seed: int, resources: Resources) -> list[Any]:
    """All that decides what a condition does to a given clip, for the key of a cell; empty for ``clean``.

    Spec, seed, sources of this package, versions of the libraries, sha256 of the file or of the voices used. Raises
    BenchError where the file named cannot be found.
    """
    if condition == CLEAN:
        return []
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return [str(condition), seed, [path.read_text() for path in sources], _versions(), _used(condition, resources)]


def _used(condition: Condition, resources: Resources) -> Any:
    name = condition.name.lower()
    if condition.kind == "noise" and name == "babble":
        return sorted((str(voice.speaker), voice.sha256) for voice in resources.voices)
    if condition.kind == "noise" and name not in ("white", "pink"):
        return _sha256(resources.noise_file(condition.name))
    return _sha256(resources.rir_file(condition.name)) if condition.kind == "reverb" else None


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "none"
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

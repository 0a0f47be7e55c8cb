"""Everything a run does to clips: its conditions in test, and noise in the training of a ``+noise`` backend."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.audio import Audio
from bench.conditions.apply import apply
from bench.conditions.render import Entry, render
from bench.conditions.resources import Resources
from bench.conditions.spec import CLEAN, Condition, parse
from bench.conditions.training import COPIES, noisy_copy

PACKAGES = ("av", "numpy", "pyroomacoustics", "scipy", "soxr")


@dataclass(frozen=True, slots=True)
class Treatments:
    """Conditions, all that decides what they do, and the folder that changed clips are kept in."""

    folder: Path
    seed: int
    resources: Resources
    identities: Mapping[str, list[Any]]
    """By condition: what :func:`identity` says."""

    @classmethod
    def of(cls, conditions: Sequence[str], folder: Path, seed: int, resources: Resources) -> Treatments:
        """Raises BenchError where a condition names a file that cannot be found."""
        return cls(folder, seed, resources, {name: identity(parse(name), seed, resources) for name in conditions})

    def heard(self, condition: str, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Test clips as they are under a condition; the same entries for ``clean``. Raises BenchError."""
        meant = parse(condition)
        if meant == CLEAN:
            yield from entries
            return

        def change(entry: Entry, samples: Audio, rate: int) -> tuple[Audio, int]:
            return apply(
                meant, samples, rate,
                clip=entry["clip"], speaker=entry["speaker"], seed=self.seed, resources=self.resources,
            )  # fmt: skip

        yield from render(entries, self._place(self.identities[condition]), change)

    def noisy(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The noisy copies of training clips, labels and speakers kept."""
        listed = list(entries)
        for number in range(COPIES):

            def change(entry: Entry, samples: Audio, rate: int, number: int = number) -> tuple[Audio, int]:
                return noisy_copy(samples, rate, entry["clip"], number, self.seed), rate

            yield from render(listed, self._place([*noise_identity(self.seed), number]), change)

    def _place(self, identity: list[Any]) -> Path:
        return self.folder / hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]


def identity(condition: Condition, seed: int, resources: Resources) -> list[Any]:
    """All that decides what a condition does to a given clip, for the key of a cell; empty for ``clean``.

    Spec, seed, sources of this package, versions of the libraries, sha256 of the file or of the voices used. Raises
    BenchError where the file named cannot be found.
    """
    return [] if condition == CLEAN else [str(condition), *_means(seed), _used(condition, resources)]


def noise_identity(seed: int) -> list[Any]:
    """The same for the noisy copies of training clips."""
    return ["training", *_means(seed)]


def _means(seed: int) -> list[Any]:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return [seed, [path.read_text() for path in sources], _versions()]


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

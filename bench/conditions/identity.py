"""What decides what a condition does to a clip, so that records are made anew when, and only when, it changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.conditions.apply import METHOD
from bench.conditions.resources import Resources
from bench.conditions.spec import CLEAN, Condition
from bench.errors import BenchError

ROOT = Path(__file__).resolve().parent.parent.parent
LEVEL, RESAMPLE, TEMPO = "sound/level.py", "sound/resample.py", "sound/tempo.py"
CUTTING = ("sound/activity.py", "sound/segment.py", "sound/stream.py")


@dataclass(frozen=True, slots=True)
class Maker:
    """What makes the samples of a kind of condition: own modules, packages besides numpy, and whether by chance."""

    modules: tuple[str, ...]
    packages: tuple[str, ...] = ()
    random: bool = False


def _by(name: str, *modules: str, packages: tuple[str, ...] = (), random: bool = False) -> Maker:
    return Maker((f"bench/conditions/{name}.py", LEVEL, *modules), packages, random)


_CODED = _by("channel", RESAMPLE, TEMPO, packages=("av", "soxr"))

MAKERS: Mapping[str, Maker] = MappingProxyType(
    {
        "coloured": _by("noise", packages=("scipy",), random=True),
        "babble": _by("noise", RESAMPLE, packages=("scipy", "soxr"), random=True),
        "recording": _by("noise", RESAMPLE, packages=("scipy", "soxr"), random=True),
        "room": _by("reverb", packages=("pyroomacoustics", "scipy"), random=True),
        "reverb": _by("reverb", RESAMPLE, packages=("scipy", "soxr")),
        "telephone": _by("channel", packages=("scipy",)),
        "mulaw": _CODED,
        "mp3": _CODED,
        "opus": _CODED,
        "gain": _by("channel"),
        "silence": _by("channel"),
        "drop": _by("channel", random=True),
        "speed": Maker((TEMPO, LEVEL)),
        "pitch": Maker((TEMPO, LEVEL), ("soxr",)),
        "rate": Maker((LEVEL, RESAMPLE), ("soxr",)),
        "framed": _by("framing", "bench/conditions/noise.py", packages=("scipy",), random=True),
        "live": _by(
            "framing", "bench/conditions/noise.py", RESAMPLE, *CUTTING,
            packages=("faster-whisper", "onnxruntime", "scipy", "soxr"), random=True,
        ),
        "+noise": _by("training", "bench/conditions/noise.py", packages=("scipy",), random=True),
        "+framed": _by(
            "training", "bench/conditions/framing.py", "bench/conditions/noise.py", packages=("scipy",), random=True
        ),
    }
)  # fmt: skip
"""By kind of condition, noise by where it comes from; with a ``+`` the copies of training clips."""


def identity(condition: Condition, seed: int, resources: Resources) -> list[Any]:
    """All that decides what a condition does to a given clip, for the key of a cell; empty for ``clean``.

    Spec, sources of what makes it, versions of the packages, seed where it is random, sha256 of the file or of the
    voices used. Raises BenchError where the file named cannot be found.
    """
    if condition == CLEAN:
        return []
    return [str(condition), METHOD, *_means(MAKERS[maker_of(condition)], seed), _used(condition, resources)]


def copies_identity(kind: str, seed: int) -> list[Any]:
    """The same for copies of training clips, of the modifier ``kind``."""
    return [kind, *_means(MAKERS[f"+{kind}"], seed)]


def maker_of(condition: Condition) -> str:
    """Which of ``MAKERS`` makes a condition."""
    if condition.kind != "noise":
        return condition.kind
    name = condition.name.lower()
    return "babble" if name == "babble" else "coloured" if name in ("white", "pink") else "recording"


def _means(maker: Maker, seed: int) -> list[Any]:
    sources = {module: _sha256(ROOT / module) for module in maker.modules}
    versions = {package: _version(package) for package in ("numpy", *maker.packages)}
    return [seed if maker.random else None, sources, versions]


def _used(condition: Condition, resources: Resources) -> Any:
    match maker_of(condition):
        case "babble":
            return [(str(voice.speaker), voice.sha256) for voice in resources.voices]
        case "recording":
            return _sha256(resources.noise_file(condition.name))
        case "reverb":
            return _sha256(resources.rir_file(condition.name))
    return None


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "none"


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error})") from error

"""What conditions draw on: recordings of noise, impulse responses, and other speakers' clips."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.audio import ENDINGS, Audio, is_audio, read
from bench.errors import BenchError, near
from sound.resample import resample


@dataclass(frozen=True, slots=True)
class Voice:
    """A clip that can become part of babble."""

    path: Path
    speaker: str | None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Resources:
    """Folders that may be missing, as long as no condition asks for them, and the clips of the corpus.

    ``kept`` holds what was read or simulated once, for the clips that follow.
    """

    noise: Path | None = None
    rir: Path | None = None
    voices: tuple[Voice, ...] = ()
    kept: dict[tuple[Any, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def find(cls, voices: tuple[Voice, ...] = (), environ: Mapping[str, str] = os.environ) -> Resources:
        """``noise`` and ``rir`` in the folder that DIGITBENCH_DATA names."""
        root = environ.get("DIGITBENCH_DATA")
        data = Path(root).expanduser().absolute() if root else None
        return cls(data and data / "noise", data and data / "rir", voices)

    def noise_file(self, name: str) -> Path:
        """The recording of noise meant. Raises BenchError, listing those there are."""
        return _file(name, self.noise, "noise", ("white", "pink", "babble"))

    def rir_file(self, name: str) -> Path:
        """The impulse response meant. Raises BenchError, listing those there are."""
        return _file(name, self.rir, "impulse response", ("room@0.6s",))

    def recording(self, path: Path, rate: int) -> Audio:
        """A file, resampled; read once per rate. Raises BenchError."""
        key = ("recording", path, rate)
        if key not in self.kept:
            audio, own_rate = read(path)
            self.kept[key] = resample(audio, own_rate, rate)
        found: Audio = self.kept[key]
        return found

    def energy(self, path: Path, rate: int) -> NDArray[np.float64]:
        """Energy of the first 0, 1, 2 ... samples of a recording."""
        key = ("energy", path, rate)
        if key not in self.kept:
            power = np.square(self.recording(path, rate), dtype=np.float64)
            self.kept[key] = np.concatenate([[0.0], np.cumsum(power)])
        found: NDArray[np.float64] = self.kept[key]
        return found


def _file(name: str, folder: Path | None, what: str, built_in: tuple[str, ...]) -> Path:
    """A path as it is; else the one file of the folder whose name is, or holds, the word asked for."""
    direct = Path(name).expanduser()
    if direct.is_file():
        return direct
    there = folder is not None and folder.is_dir()
    listed = folder.iterdir() if folder and there else ()
    files = sorted(path for path in listed if path.suffix.lower() in ENDINGS or is_audio(path))
    asked = name.lower()
    exact = [path for path in files if asked in (path.stem.lower(), path.name.lower())]
    found = exact or [path for path in files if asked in path.stem.lower()]
    if len(found) == 1:
        return found[0]
    if found:
        raise BenchError(f"{what} {name!r} could be any of {', '.join(path.stem for path in found)}; say which")
    where = f"in {folder}" if there else "and no folder of them: set DIGITBENCH_DATA, or give a file's path"
    raise BenchError(f"no {what} {name!r} {where}{near(name, [*(path.stem for path in files), *built_in])}")

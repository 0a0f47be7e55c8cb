"""Uploads become samples: in a process with little memory and little time, which is replaced where a file ends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock
from typing import Any, Final, Self

import numpy as np

from audiodecode.limits import Limits as FileLimits
from backends import Spec
from bench.audio import Audio
from bench.workers.parent import Job, Limits, Worker, WorkerError

LIMITS: Final = FileLimits(seconds=10.0, lowest_hz=4_000, highest_hz=192_000, channels=8)
"""What an upload may hold, and the sound of a microphone."""
STEP_S: Final = 10.0
MEMORY_BYTES: Final = 600_000_000
_PCM: Final = re.compile(r"audio/(pcm|l16)((?:;[a-z]+=[a-z0-9-]+)*)")


class UploadError(Exception):
    """Why an upload cannot be heard, in a sentence for whoever sent it."""


def pcm(kind: str, data: bytes) -> tuple[Audio, int] | None:
    """Bare 16-bit samples, as a content type says: ``audio/pcm;rate=16000`` with the lowest byte first, or
    ``audio/L16`` (RFC 2586) with the highest; ``channels`` is 1 unless said. None for any other type. Raises
    UploadError.
    """
    match = _PCM.fullmatch(re.sub(r"\s|\"", "", kind).lower())
    if match is None:
        return None
    settings = dict(pair.split("=") for pair in match[2].split(";") if pair)
    try:
        rate, channels = int(settings["rate"]), int(settings.get("channels", "1"))
    except (KeyError, ValueError):
        raise UploadError(f"{kind}: the rate is missing or no number; audio/pcm;rate=16000 is wanted") from None
    if not LIMITS.lowest_hz <= rate <= LIMITS.highest_hz:
        raise UploadError(f"rate={rate}: outside {LIMITS.lowest_hz} to {LIMITS.highest_hz} Hz")
    if not 1 <= channels <= LIMITS.channels:
        raise UploadError(f"channels={channels}: 1 to {LIMITS.channels} are read")
    if not data or len(data) % (2 * channels):
        raise UploadError(f"{len(data)} bytes are no whole number of 16-bit samples of {channels} channels")
    if len(data) // (2 * channels) > LIMITS.seconds * rate:
        raise UploadError(f"longer than {LIMITS.seconds:g} s; send one utterance at a time")
    samples = np.frombuffer(data, "<i2" if match[1] == "pcm" else ">i2").astype(np.float32) / np.float32(32_768)
    return samples.reshape(-1, channels).mean(axis=1, dtype=np.float32), rate


class Decoder:
    """Decodes one file at a time, in a worker that holds no backend. A context manager; safe to use from threads."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._lock = Lock()
        self._stop = Event()
        self._worker: Worker | None = None
        self._folder = TemporaryDirectory(prefix="digitbench-serve-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        with self._lock:
            self._end()
        self._folder.cleanup()

    @property
    def folder(self) -> Path:
        """For the private files of the server: nobody else can look into it."""
        return Path(self._folder.name)

    def decode(self, data: bytes) -> tuple[Audio, int]:
        """Samples, float32 mono of shape (samples,), and their rate in Hz. Raises UploadError."""
        with self._lock:
            source, target = self.folder / "upload", self.folder / "samples"
            try:
                source.write_bytes(data)
                facts = self._ask(source, target)
                if problem := facts.get("problem"):
                    raise UploadError(_without(str(problem), source))
                return np.fromfile(target, "<f4"), int(facts["rate"])
            finally:
                source.unlink(missing_ok=True)
                target.unlink(missing_ok=True)

    def _ask(self, source: Path, target: Path) -> Mapping[str, Any]:
        try:
            if self._worker is None:
                job = Job(Spec("decoder", "", ""), {}, {}, Limits(STEP_S, MEMORY_BYTES))
                self._worker = Worker(job, self.folder / "decoder.log", self._threads, stop=self._stop)
            return self._worker.ask("decode", path=str(source), out=str(target), limits=asdict(LIMITS))
        except WorkerError as error:
            self._end()
            reason = error.reason.partition("; its output is in")[0]
            raise UploadError(f"cannot be decoded: {reason}") from error

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None


def _without(problem: str, path: Path) -> str:
    """What was wrong, without the name that the server gave the file or the settings that its user cannot reach."""
    return re.sub(r" \(setting \w+\)", "", problem.replace(f"{path}: ", "").replace(str(path), "the upload"))

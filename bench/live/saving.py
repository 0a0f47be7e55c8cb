"""A session's folder: what was said, as WAV files of 16 bits with context, and what was heard, as lines of JSON.

``utterances.jsonl`` lists the files (``onset`` and ``offset`` are samples in the file), ``predictions.jsonl`` the final
answers. ``clips.csv`` has a row for each utterance whose label somebody confirmed, so the folder is a corpus to
benchmark: ``folder:DIR``. It may be added to by later sessions, and by several at once in one process.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Final

import soundfile

from bench.audio import read
from bench.errors import BenchError
from bench.live.events import Answer
from sound.activity import RATE
from sound.segment import Segment

UTTERANCES, PREDICTIONS, CLIPS = "utterances.jsonl", "predictions.jsonl", "clips.csv"
COLUMNS: Final = ("path", "label", "speaker", "onset_s", "offset_s")


@dataclass(frozen=True, slots=True)
class Kept:
    """One utterance of a folder, as it was cut, and the final answers to it by backend."""

    file: str
    segment: Segment
    answers: Mapping[str, Mapping[str, Any]]


class Folder:
    """Where sessions are saved."""

    def __init__(self, path: Path) -> None:
        """Made where it is not there. Raises BenchError where nothing can be written, or other recordings are."""
        self.path = path
        self._lock = Lock()
        self._stem = time.strftime("%Y%m%d-%H%M%S")
        self._count = 0
        try:
            path.mkdir(parents=True, exist_ok=True)
            if (path / CLIPS).exists() and not (path / UTTERANCES).exists():
                raise BenchError(f"--save {path}: holds a {CLIPS} that no session wrote; name another folder")
            (path / UTTERANCES).open("a").close()
            self._rows = self._listed()
        except (OSError, csv.Error, UnicodeDecodeError) as error:
            raise BenchError(f"--save {path}: {getattr(error, 'strerror', None) or error}") from error

    def add(self, segment: Segment, source: str, speaker: str) -> str:
        """Write an utterance; its file's name. Raises BenchError where the disk does not take it."""
        with self._lock:
            file = self._fresh()
            entry = {
                "file": file.name,
                "onset": segment.onset - segment.start,
                "offset": segment.offset - segment.start,
                "utterance": segment.utterance,
                "start_s": segment.start / RATE,
                "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                "source": source,
                "speaker": speaker,
            }
            try:
                soundfile.write(file, segment.audio, RATE, subtype="PCM_16")
                self._append(UTTERANCES, entry)
            except (OSError, soundfile.SoundFileError) as error:
                raise self._full(error) from error
            return file.name

    def answered(self, file: str, answer: Answer) -> None:
        """Write down a final answer. Raises BenchError."""
        kept = ("backend", "state", "label", "text", "scores", "facts", "error", "latency_s")
        entry = {"file": file} | {name: _plain(getattr(answer, name)) for name in kept}
        with self._lock:
            try:
                self._append(PREDICTIONS, entry)
            except OSError as error:
                raise self._full(error) from error

    def confirm(self, file: str, label: str | None, speaker: str, onset_s: float, offset_s: float) -> None:
        """What was said in a file: its row of ``clips.csv``, or none. Raises BenchError."""
        with self._lock:
            self._rows.pop(file, None)
            if label is not None:
                self._rows[file] = (file, label, speaker, f"{onset_s:.4f}", f"{offset_s:.4f}")
            partial = self.path / f"{CLIPS}.part"
            try:
                with partial.open("w", newline="", encoding="utf-8") as out:
                    writer = csv.writer(out)
                    writer.writerow(COLUMNS)
                    writer.writerows(self._rows.values())
                partial.replace(self.path / CLIPS)
            except OSError as error:
                raise self._full(error) from error

    def _fresh(self) -> Path:
        while True:
            self._count += 1
            file = self.path / f"{self._stem}-{self._count:04d}.wav"
            try:
                file.open("xb").close()
            except FileExistsError:
                continue
            except OSError as error:
                raise self._full(error) from error
            return file

    def _append(self, name: str, entry: Mapping[str, Any]) -> None:
        with (self.path / name).open("a", encoding="utf-8") as out:
            out.write(json.dumps(entry) + "\n")

    def _listed(self) -> dict[str, tuple[str, ...]]:
        path = self.path / CLIPS
        if not path.exists():
            return {}
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return {row["path"]: tuple(row.get(name) or "" for name in COLUMNS) for row in rows if row.get("path")}

    def _full(self, error: Exception) -> BenchError:
        return BenchError(f"--save {self.path}: cannot be written ({getattr(error, 'strerror', None) or error})")


def saved(folder: Path) -> Iterator[Kept]:
    """The utterances of a folder. Raises BenchError for a folder that no session wrote, or files that changed."""
    answers: dict[str, dict[str, Mapping[str, Any]]] = {}
    if not (folder / UTTERANCES).is_file():
        raise BenchError(f"{folder}: no {UTTERANCES} in it; `digitbench live --save {folder}` writes one")
    for entry in _lines(folder / PREDICTIONS) if (folder / PREDICTIONS).is_file() else ():
        answers.setdefault(entry["file"], {})[entry["backend"]] = entry
    for entry in _lines(folder / UTTERANCES):
        audio, rate = read(folder / Path(entry["file"]).name)
        onset, offset = entry["onset"], entry["offset"]
        if rate != RATE or not 0 <= onset < offset <= len(audio):
            raise BenchError(f"{folder / entry['file']}: not as the session wrote it")
        yield Kept(entry["file"], Segment(entry["utterance"], 0, onset, offset, audio), answers.get(entry["file"], {}))


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            entry = json.loads(line)
            if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
                raise BenchError(f"{path}, line {number}: no line that a session wrote")
            yield entry
    except (OSError, ValueError) as error:
        raise BenchError(f"{path}: cannot be read ({error})") from error


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value

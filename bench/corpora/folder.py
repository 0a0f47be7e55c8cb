"""Any user's recordings: a folder per label, or a CSV of path,label[,speaker][,split]."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bench.corpora.base import Corpus
from bench.corpora.scan import Entry, Progress, scan
from bench.errors import BenchError
from bench.limits import LIMITS, Limits

AUDIO = (".wav", ".flac", ".ogg", ".mp3")
LISTING = "clips.csv"
_REQUIRED = ("path", "label")


def open_folder(data: Path, progress: Progress | None = None, limits: Limits = LIMITS) -> Corpus:
    """Read the recordings under ``data``: a CSV file, a folder that holds one, or a folder per label.

    A CSV is ``clips.csv`` or the only one there; its paths are relative to it. In a folder per label, ``a/b/c.wav``
    has label ``a`` and no speaker. Hidden files are ignored. Raises BenchError when no clip can be used, or the layout
    or the CSV is wrong.
    """
    if not data.exists():
        raise BenchError(f"{data}: no such folder")
    listing = _find_listing(data)
    if listing:
        count = sum(1 for _ in read_listing(listing))  # finds every mistake before the first file is decoded
        if not count:
            raise BenchError(f"{listing}: lists no clips")
        clips, rejected = scan(listing.parent, read_listing(listing), count, progress, limits)
        return Corpus("folder", listing.parent, clips, rejected, source=f"recordings listed in {listing.name}")
    labelled = [bool(entry.label) for entry in _walk(data)]
    if labelled and not any(labelled):
        raise BenchError(
            f"{data}: its {len(labelled)} audio files have no label; put each into a folder named after its label,"
            f" or list them in {LISTING} (path,label,speaker)"
        )
    clips, rejected = scan(data, _walk(data), len(labelled), progress, limits)
    return Corpus("folder", data, clips, rejected, source=f"recordings in {data.name}")


def read_listing(path: Path) -> Iterator[Entry]:
    """The rows of a CSV with columns path, label and, where known, speaker and split ("train" or "test").

    Raises BenchError, naming file and line, for a header without path and label, a row without them, or another split.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            header = reader.fieldnames or ()
            missing = [name for name in _REQUIRED if name not in header]
            if missing:
                raise BenchError(
                    f"{path}: its first line must name the columns path,label[,speaker][,split];"
                    f" {' and '.join(missing)} missing, found {','.join(header) or 'nothing'}"
                )
            for row in reader:
                yield _entry(row, f"{path}, line {reader.line_num}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{path}: cannot be read as a UTF-8 CSV file ({error})") from None


def _entry(row: dict[str, str | None], where: str) -> Entry:
    path, label, speaker, split = ((row.get(name) or "").strip() for name in ("path", "label", "speaker", "split"))
    if not path or not label:
        raise BenchError(f"{where}: no {'label' if path else 'path'}")
    if split not in ("", "train", "test"):
        raise BenchError(f"{where}: split must be train, test or empty, not {split!r}")
    return Entry(PurePosixPath(path).as_posix(), label, speaker or None, split or None)


def _find_listing(data: Path) -> Path | None:
    if not data.is_dir():
        return data
    listings = [path for path in sorted(data.glob("*.csv")) if not path.name.startswith(".")]
    if data / LISTING in listings:
        return data / LISTING
    return listings[0] if len(listings) == 1 else None


def _walk(root: Path) -> Iterator[Entry]:
    """Every audio file, its label perhaps "". A folder named like audio counts as a file, to be rejected."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(folder).relative_to(root)
        label = sys.intern(inside.parts[0]) if inside.parts else ""
        for name in [*folders, *sorted(files)]:
            if not name.startswith(".") and name.lower().endswith(AUDIO):
                yield Entry((inside / name).as_posix(), label)

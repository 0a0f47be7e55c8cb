"""Any user's recordings: a folder per label, a CSV that lists them, or files whose names follow a pattern."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bench.corpora.base import Corpus
from bench.corpora.collect import ANYTHING, Item, Wanted, collect
from bench.corpora.layouts import recognised, suggest
from bench.corpora.listing import STANDARD, find_listing, open_listing, rows
from bench.corpora.pattern import Pattern
from bench.corpora.scan import Entry, Progress
from bench.corpora.walk import walk
from bench.errors import BenchError
from bench.printable import printable


def open_folder(
    data: Path, progress: Progress | None = None, *, wanted: Wanted = ANYTHING, pattern: str = ""
) -> Corpus:
    """Read the recordings under ``data``: a CSV file, a folder that holds one, or a folder per label.

    A CSV is ``clips.csv`` or the only one there that lists clips; its paths are relative to it. In a folder per label,
    ``a/b/c.wav`` has label ``a`` and no speaker. With ``pattern`` the paths say what a clip is, and no CSV is looked
    for. Hidden files are ignored. Raises BenchError when no clip can be used, or the layout, the CSV or the pattern is
    wrong.
    """
    if not data.exists():
        raise BenchError(f"{data}: no such folder")
    if pattern:
        return _by_pattern(data, Pattern.of(pattern), wanted, progress)
    try:
        path = find_listing(data, wanted.columns) if data.is_dir() else data
    except OSError as error:
        raise BenchError(f"{data}: cannot be opened ({error.strerror or error})") from None
    if path:
        return _listed(path, wanted, progress)
    _need_a_label(data, wanted)
    kept = collect(data, lambda: _labelled(data), wanted, progress)
    source = f"recordings in {printable(data.name)}"
    hints = recognised(data, kept.words.values())
    return Corpus("folder", data, kept.clips, kept.rejected, source, left_out=kept.left_out, hints=hints)


def _listed(path: Path, wanted: Wanted, progress: Progress | None) -> Corpus:
    listing = open_listing(path, wanted.columns)
    if next(rows(listing), None) is None:
        raise BenchError(f"{path}: lists no clips")
    kept = collect(path.parent, lambda: rows(listing), wanted, progress, named=True)
    source = f"recordings listed in {printable(path.name)}"
    return Corpus("folder", path.parent, kept.clips, kept.rejected, source, left_out=kept.left_out, hints=listing.hints)


def _by_pattern(data: Path, pattern: Pattern, wanted: Wanted, progress: Progress | None) -> Corpus:
    if not data.is_dir():
        raise BenchError(f"{data}: a pattern is of the files in a folder; name the folder")

    def listed() -> Iterator[Item]:
        for item in walk(data):
            yield pattern.entry(item) if isinstance(item, str) else item

    _need_a_match(data, pattern)
    kept = collect(data, listed, wanted, progress)
    source = f"recordings in {printable(data.name)}, named as {printable(pattern.text)}"
    return Corpus("folder", data, kept.clips, kept.rejected, source, left_out=kept.left_out)


def _need_a_label(data: Path, wanted: Wanted) -> None:
    stray = []
    for item in _labelled(data):
        if isinstance(item, Entry):
            if item.label:
                return
            stray.append(item.path)
    if stray:
        raise BenchError(
            f"{data}: its {len(stray)} audio files have no label; put each into a folder named after its label, or list"
            f" them in {STANDARD} (path,label,speaker)" + suggest(data, stray, wanted.labels)
        )


def _need_a_match(data: Path, pattern: Pattern) -> None:
    other = ""
    for item in walk(data):
        if isinstance(item, str):
            if pattern.match(item):
                return
            other = other or item
    if other:
        raise BenchError(f"{data}: no file fits the pattern {pattern.text}; the first is {other}")


def _labelled(root: Path) -> Iterator[Item]:
    """Every sound file, its label the outermost folder, or "" outside of all."""
    for item in walk(root):
        if isinstance(item, str):
            outer = PurePosixPath(item).parts[:-1]
            yield Entry(item, sys.intern(outer[0]) if outer else "")
        else:
            yield item

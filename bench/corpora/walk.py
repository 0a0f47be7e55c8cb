"""The files under a folder that hold sound, and what of it cannot be looked at."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from bench.audio import ENDINGS, is_audio
from bench.corpora.base import LeftOut, Rejected

_LINKS = "links to folders that are read already, or hold this one"


def walk(root: Path) -> Iterator[str | Rejected | LeftOut]:
    """Paths of sound files, relative to ``root``, POSIX; a folder that cannot be opened; a link not followed.

    Hidden files and folders are ignored. A folder named like a sound file is listed, too, so that it is rejected by
    name. A link to a folder elsewhere is followed once.
    """
    seen = {root.resolve()}
    waiting = [root]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(
                    (each for each in listing if not each.name.startswith(".")), key=lambda each: each.name
                )
        except OSError as error:
            where = folder.relative_to(root).as_posix()
            yield Rejected(where, f"a folder that cannot be opened ({error.strerror or error})")
            continue
        folders = []
        for entry in entries:
            path = Path(entry.path)
            within = path.relative_to(root).as_posix()
            if _is_folder(entry):
                if entry.is_symlink() and not _is_new(path, root, seen):
                    yield LeftOut(1, _LINKS)
                    continue
                folders.append(path)
                if path.suffix.lower() in ENDINGS:
                    yield within
            elif path.suffix.lower() in ENDINGS or is_audio(path):
                yield within
        waiting += reversed(folders)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_new(link: Path, root: Path, seen: set[Path]) -> bool:
    """Whether a link leads out of everything that is walked; from then on that is walked, too."""
    target = link.resolve()
    if any(target.is_relative_to(known) or known.is_relative_to(target) for known in seen):
        return False
    seen.add(target)
    return True

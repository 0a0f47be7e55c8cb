"""What a corpus is: audio files under one folder and a table that describes every clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from bench.clips import Folders
from bench.printable import printable

COLUMNS = ("clip", "path", "label", "speaker", "sample_rate", "samples", "sha256", "official", "sex", "part")
"""Columns of ``Corpus.clips``, in order.

clip: unique id, the path without its ending unless that is ambiguous. path: relative to ``root``, POSIX. speaker: null
where unknown. sample_rate: Hz. samples: length per channel. sha256: of the decoded float32 mono samples
(:func:`bench.audio.fingerprint`). official: "train" or "test" where the corpus defines a split, else null. sex: "F" or
"M", and part: what of the corpus it is in, such as "dev", where they are known.
"""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that is listed but not used, and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files that are no part of the corpus by its own rules: how many, and which, in words."""

    files: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} ({self.files:,})"


@dataclass(frozen=True, slots=True)
class Corpus:
    """A set of clips on disk, every one of them decoded once and found sound.

    ``clips`` is sorted by clip id, so that everything seeded downstream is reproducible. ``source`` says where the
    corpus was found, in words for the report and without a path of this machine; ``notice`` is a banner for the top
    of the report, or empty.
    """

    name: str
    root: Path
    clips: pd.DataFrame
    rejected: tuple[Rejected, ...] = ()
    source: str = ""
    notice: str = ""
    left_out: tuple[LeftOut, ...] = ()
    hints: tuple[str, ...] = ()
    """What is worth knowing before a run and no reason to distrust it, in sentences."""
    parts: Mapping[str, Corpus] = field(default_factory=dict)
    """The corpora that this one was joined from, by the first part of their clips' ids and paths."""

    @property
    def folders(self) -> Folders:
        """Where its clips lie."""
        return {part: corpus.root for part, corpus in self.parts.items()} if self.parts else self.root

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user must be told of it, line by line: its notice, hints, what is left out, every file rejected."""
        return (
            *(f"note: {line}" for line in (*self.notice.splitlines(), *self.hints)),
            *(f"left out: {each}" for each in self.left_out),
            *(f"rejected: {printable(each.path)}: {each.reason}" for each in self.rejected),
        )

    @property
    def title(self) -> str:
        """Its name, and of a folder of recordings which one."""
        return f"folder-{printable(self.root.name)}" if self.name == "folder" else self.name

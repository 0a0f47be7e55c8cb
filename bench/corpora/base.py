"""What a corpus is: audio files under one folder and a table that describes every clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

COLUMNS = ("clip", "path", "label", "speaker", "sample_rate", "samples", "sha256", "official")
"""Columns of ``Corpus.clips``, in order.

clip: unique id, the path without its ending unless that is ambiguous. path: relative to ``root``, POSIX. speaker: null
where unknown. sample_rate: Hz. samples: length per channel. sha256: of the decoded float32 mono samples
(:func:`bench.audio.fingerprint`). official: "train" or "test" where the corpus defines a split, else null.
"""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that is listed but not used, and why."""

    path: str
    reason: str


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

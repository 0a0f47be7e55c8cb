"""A corpus of one's own: write the CSV that digitbench reads, where names alone do not say enough.

The recordings lie as people make them, ``ann/seven (2).wav``, a folder per speaker; every third speaker is to be the
official test. Where a name says all, no script is needed: ``--pattern "{speaker}/{label} ({take})"``.

    python examples/own_corpus.py recordings
    digitbench run --corpus folder:recordings --backends chance,mfcc-lite
"""

from __future__ import annotations

import csv
import re
import sys
from pathlib import Path

NAME = re.compile(r"(?P<label>[a-z]+) \(\d+\)")


def write_listing(folder: Path) -> Path:
    """``clips.csv`` of a folder of speakers; a file named otherwise is left out."""
    paths = sorted(folder.glob("*/*.wav"))
    speakers = sorted({path.parent.name for path in paths})
    listing = folder / "clips.csv"
    with listing.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "label", "speaker", "split"))
        for path in paths:
            if named := NAME.fullmatch(path.stem):
                speaker = path.parent.name
                split = "test" if speakers.index(speaker) % 3 == 2 else "train"
                rows.writerow((path.relative_to(folder).as_posix(), named["label"], speaker, split))
    return listing


if __name__ == "__main__":
    print(write_listing(Path(sys.argv[1])))

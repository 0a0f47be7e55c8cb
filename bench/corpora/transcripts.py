"""Tables of transcripts as corpora have them: who said what in which file, read row by row with its place.

``transcripts.csv`` beside the recordings has the columns path and text (or sentence), and may have utt_id, speaker, sex
and part. ``transcription_parts.csv`` (corpus, id, part), there or in the folder above, divides corpora for good: id is
an utterance's, or the path where utterances have none.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from bench.corpora.base import Rejected
from bench.corpora.scan import Entry
from bench.errors import BenchError

TRANSCRIPTS, PARTS = "transcripts.csv", "transcription_parts.csv"
TEXTS = ("text", "sentence", "transcript")
UNFINISHED = (".part", ".partial", ".incomplete", ".crdownload", ".download", ".aria2", ".tmp")
"""Endings of files that are still being fetched, or no longer."""
_SEXES = {"f": "F", "female": "F", "female_feminine": "F", "m": "M", "male": "M", "male_masculine": "M"}


def sex_of(text: str | None) -> str | None:
    """ "F" or "M" from the words that corpora use; None for any other."""
    return _SEXES.get((text or "").strip().casefold())


def table(path: Path, needed: Collection[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line and cells by column of every row of a CSV, or of a TSV, whose quotes are characters like any other.

    Raises BenchError, naming file and line, where it cannot be read, lacks a column of ``needed``, or a row is torn.
    """
    tabs = path.suffix.lower() == ".tsv"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(
                file, delimiter="\t" if tabs else ",", quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL
            )
            header = next(reader, [])
            if missing := [name for name in needed if name not in header]:
                present = ",".join(header) or "nothing"
                raise BenchError(f"{path}: no column {' and '.join(missing)} in its first line, found {present:.200}")
            for row in reader:
                if any(row):
                    if len(row) != len(header):
                        raise BenchError(
                            f"{path}, line {reader.line_num}: {len(row)} cells where the first line has {len(header)};"
                            " cut short, or not as it was published: fetch it again"
                        )
                    yield reader.line_num, dict(zip(header, row, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{path}: cannot be read as a table of UTF-8 text ({error})") from None
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error})") from None


def listed(path: Path, corpus: str, speakers: Mapping[str, str]) -> Iterator[Entry | Rejected]:
    """The recordings of a ``transcripts.csv``. ``speakers``: their sex where it is known elsewhere."""
    parts = parts_of(path.parent, corpus)
    text = next((name for name in TEXTS if name in columns(path)), TEXTS[0])
    for _, row in table(path, ("path", text)):
        speaker = row.get("speaker") or None
        part = row.get("part") or parts.get(row.get("utt_id") or "") or parts.get(row["path"])
        sex = sex_of(row.get("sex")) or speakers.get(speaker or "")
        entry = Entry(row["path"], row[text].strip(), speaker, None, sex, part)
        yield present(path.parent, entry, path.name)


def present(root: Path, entry: Entry, where: str) -> Entry | Rejected:
    """The entry, or that its file is missing."""
    if (root / entry.path).exists():
        return entry
    return Rejected(entry.path, f"in {where}, but no such file: an interrupted download or extraction")


def parts_of(root: Path, corpus: str) -> dict[str, str]:
    """Part of each utterance of a corpus, by id; none where there is no such division."""
    path = next((place / PARTS for place in (root, root.parent) if (place / PARTS).is_file()), None)
    if path is None:
        return {}
    return {row["id"]: row["part"] for _, row in table(path, ("corpus", "id", "part")) if row["corpus"] == corpus}


def columns(path: Path) -> list[str]:
    """The names in the first line of a CSV or TSV."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return file.readline().rstrip("\r\n").split("\t" if path.suffix.lower() == ".tsv" else ",")
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error})") from None


def unfinished(folder: Path) -> Iterator[Rejected]:
    """Files in a folder that were not fetched to their end."""
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in UNFINISHED:
            yield Rejected(path.name, "an interrupted download: fetch it again")


def archives(folder: Path) -> list[str]:
    """Archives that nobody has unpacked."""
    names = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    return [name for name in names if name.lower().endswith((".tar.gz", ".tgz", ".tar", ".zip"))]

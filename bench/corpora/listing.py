"""A table of clips that somebody wrote: CSV of commas, semicolons or tabs, as spreadsheets and scripts save it."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TextIO

from bench.audio import is_audio
from bench.corpora.pattern import SPLITS
from bench.corpora.scan import Entry
from bench.corpora.transcripts import sex_of
from bench.errors import BenchError

STANDARD = "clips.csv"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "path": ("path", "file", "file_name", "file_path", "audio", "audio_file", "audio_path", "wav", "wav_path"),
    "label": ("label", "digit", "word"),
    "speaker": ("speaker", "speaker_id", "speaker_name", "spk", "spk_id", "client_id"),
    "split": ("split", "subset"),
    "sex": ("sex", "gender"),
    "part": ("part",),
}
"""What is known of a clip -> how its column may be named; capitals, spaces, hyphens and underscores do not matter."""

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_PEOPLE = re.compile(
    r"speaker|spk|client|talker|person|people|participant|subject|voice|user|reader|informant|singer|narrator"
    r"|contributor|volunteer|patient"
)
_OF_PEOPLE = re.compile(r"age|gender|sex|accent|dialect|language|native|country|city|region|birth|education")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_LONGEST_HEADER = 65_536  # characters: a line beyond is no header


@dataclass(frozen=True, slots=True)
class Header:
    """The first line of a CSV, and how the file is written."""

    encoding: str
    delimiter: str
    names: tuple[str, ...]
    skipped: int
    """Lines before it: Excel's ``sep=;``."""

    def is_of_clips(self, references: Sequence[str] = ()) -> bool:
        """Whether it says where clips are and what is said in them: all that makes it a list of clips."""
        return {"path", "label"} <= _known(self.names, references)


@dataclass(frozen=True, slots=True)
class Listing:
    """A CSV of clips: which column, by number, says what of a clip."""

    path: Path
    header: Header
    columns: Mapping[str, int]
    hints: tuple[str, ...] = ()
    texts: bool = False
    """Whether its references are texts, of which one may be empty."""


def find_listing(folder: Path, references: Sequence[str] = ()) -> Path | None:
    """The CSV in ``folder`` that lists its clips: ``clips.csv``, or the only one with columns path and label.

    ``references``: further names of the column of labels, which come first.

    Any other CSV is somebody's own. Raises BenchError when there are several such.
    """
    paths = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (".csv", ".tsv")]
    paths = [path for path in paths if not path.name.startswith(".") and path.is_file()]
    if folder / STANDARD in paths:
        return folder / STANDARD
    of_clips = [path for path in paths if read_header(path).is_of_clips(references)]
    if len(of_clips) > 1:
        names = ", ".join(path.name for path in of_clips)
        raise BenchError(f"{folder}: {names} list clips; choose one, such as folder:{of_clips[0]}")
    return of_clips[0] if of_clips else None


def open_listing(path: Path, references: Sequence[str] = ()) -> Listing:
    """A CSV of clips. Raises BenchError for a header that lacks path or label, or can be understood in two ways."""
    if is_audio(path):
        raise BenchError(f"{path}: an audio file, not a CSV of clips; name the folder that holds it")
    header = read_header(path)
    missing = [name for name in ("path", "label") if name not in _known(header.names, references)]
    if missing:
        aliases = {**COLUMNS, "label": dict.fromkeys((*COLUMNS["label"], *references))}
        also = "; ".join(f"{name} may be called {', '.join([*aliases[name]][1:])}, too" for name in missing)
        raise BenchError(
            f"{path}: its first line must name the columns path,label[,speaker][,split];"
            f" {' and '.join(missing)} missing, found {','.join(header.names) or 'nothing'} ({also})"
        )
    columns = _columns(path, header.names, references)
    used = {*columns.values()}
    people = [name for number, name in enumerate(header.names) if number not in used and _names_people(name)]
    if people and "speaker" not in columns:
        raise BenchError(
            f"{path}: the column {people[0]!r} seems to name the speaker and is not understood; call it speaker"
            f" (or {', '.join(COLUMNS['speaker'][1:])}), or take it out"
        )
    speaker = header.names[columns["speaker"]] if people else ""
    hints = tuple(f"{path.name}: speakers are taken from {speaker!r}, not {each!r}" for each in people)
    return Listing(path, header, columns, hints, texts=bool(references) and references[0] != "label")


def read_header(path: Path) -> Header:
    """The header of any CSV. Raises BenchError when the file cannot be opened."""
    if not path.is_file():
        raise BenchError(f"{path}: no CSV file")
    encoding = _encoding(path)
    with _reading(path, encoding, errors="replace") as file:
        line, skipped = file.readline(_LONGEST_HEADER).strip("\ufeff\r\n"), 0
        delimiters = tuple(_DELIMITERS)
        if len(line) == 5 and line.casefold().startswith("sep="):
            delimiters, skipped = (line[4],), 1
            line = file.readline(_LONGEST_HEADER).strip("\r\n")
    readings = [Header(encoding, delimiter, _cells(line, delimiter), skipped) for delimiter in delimiters]
    return max(readings, key=lambda header: (len(_known(header.names)), len(header.names)))


def read_listing(path: Path) -> Iterator[Entry]:
    """The rows of a CSV of clips. Raises BenchError as :func:`open_listing` and :func:`rows` do."""
    return rows(open_listing(path))


def rows(listing: Listing) -> Iterator[Entry]:
    """Every row that is not empty.

    Raises BenchError, naming file and line, for a row without path or label, with more cells than the header, with
    another split, or with the path of an earlier row.
    """
    path, header, seen = listing.path, listing.header, dict[str, int]()
    with _reading(path, header.encoding) as file:
        for _ in range(header.skipped):
            file.readline()
        reader = csv.reader(file, delimiter=header.delimiter, skipinitialspace=True, strict=True)
        try:
            next(reader, None)
            for row in reader:
                cells = [cell.strip() for cell in row]
                if not any(cells):
                    continue
                line = header.skipped + reader.line_num
                entry = _entry(listing, cells, f"{path}, line {line}")
                first = seen.setdefault(entry.path, line)
                if first != line:
                    raise BenchError(
                        f"{path}, line {line}: {entry.path} is listed twice, first in line {first}; list each file once"
                    )
                yield entry
        except csv.Error as error:
            line = header.skipped + reader.line_num
            raise BenchError(f"{path}, line {line}: cannot be read as CSV ({error})") from None


def _entry(listing: Listing, cells: Sequence[str], where: str) -> Entry:
    header = listing.header
    if any(cells[len(header.names) :]):
        between = _DELIMITERS.get(header.delimiter, repr(header.delimiter))
        raise BenchError(
            f"{where}: {len(cells)} cells, but the header names {len(header.names)}; a cell that itself holds {between}"
            " is written in double quotes"
        )
    path, label, speaker, split, sex, part = (
        cells[listing.columns[name]] if listing.columns.get(name, len(cells)) < len(cells) else "" for name in COLUMNS
    )
    if not path or not (label or listing.texts):
        raise BenchError(f"{where}: no {'label' if path else 'path'}")
    official = SPLITS.get(split.casefold())
    if split and not official:
        raise BenchError(f"{where}: split must be train, test or empty, not {split!r} (validation counts as train)")
    if "\\" in path and not (listing.path.parent / path).exists():
        path = path.replace("\\", "/")  # written on Windows
    return Entry(PurePosixPath(path).as_posix(), label, speaker or None, official, sex_of(sex), part or None)


def _columns(path: Path, header: Sequence[str], references: Sequence[str] = ()) -> dict[str, int]:
    """Which column says what. The plain name wins over others that mean the same, and a reference over a label."""
    columns, folded = {}, [_folded(name) for name in header]
    reference = next((number for each in references for number, name in enumerate(folded) if name == _folded(each)), -1)
    for name, aliases in COLUMNS.items():
        if name == "label" and reference >= 0:
            columns[name] = reference
            continue
        known = [number for number, each in enumerate(folded) if each in map(_folded, aliases)]
        plain = [number for number in known if folded[number] == name]
        meant = plain or known
        if len(meant) > 1:
            shown = " and ".join(repr(header[number]) for number in meant)
            raise BenchError(f"{path}: the columns {shown} all seem to be the {name}; call one of them {name}")
        if meant:
            columns[name] = meant[0]
    return columns


def _known(names: Sequence[str], references: Sequence[str] = ()) -> set[str]:
    folded, labels = {_folded(name) for name in names}, {_folded(alias) for alias in references}
    known = {name for name, aliases in COLUMNS.items() if folded & {_folded(alias) for alias in aliases}}
    return known | {"label"} if folded & labels else known


def _names_people(name: str) -> bool:
    return bool(_PEOPLE.search(name.casefold())) and not _OF_PEOPLE.search(name.casefold())


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.casefold())


def _cells(line: str, delimiter: str) -> tuple[str, ...]:
    try:
        cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True), [])
    except csv.Error:
        return ()
    return tuple(cell.strip() for cell in cells)


def _encoding(path: Path) -> str:
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    return next((name for bom, name in _BOMS if start.startswith(bom)), "utf-8")


@contextmanager
def _reading(path: Path, encoding: str, errors: str = "strict") -> Iterator[TextIO]:
    try:
        with path.open(newline="", encoding=encoding, errors=errors) as file:
            yield file
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    except UnicodeError:
        where = f"{path}{_undecodable(path, encoding)}"
        raise BenchError(f"{where}: not {encoding.upper()}; save the CSV as UTF-8") from None


def _undecodable(path: Path, encoding: str) -> str:
    """Which line of a file of bytes cannot be decoded."""
    with path.open("rb") as file:
        for number, line in enumerate(file if encoding.startswith("utf-8") else (), 1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return f", line {number}"
    return ""

"""Mozilla Common Voice (Ardila et al. 2020, CC0): sentences read aloud by volunteers; ``clips/common_voice_en_1.mp3``.

A language's folder has ``clips/`` and a TSV per list of them: a part (``test``, ``dev``, ``train``) is the clips of its
TSV; all clips are those of ``validated.tsv``, else of the three. A folder with ``transcripts.csv`` is read by that.
Speakers are ``client_id``s.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.corpora.base import Corpus
from bench.corpora.collect import Item, Wanted, collect
from bench.corpora.scan import Entry, Progress
from bench.corpora.transcripts import TRANSCRIPTS, archives, listed, present, sex_of, table, unfinished
from bench.errors import BenchError

CLIPS, VALIDATED = "clips", "validated"
PARTS = ("test", "dev", "train")
NEEDED = ("client_id", "path", "sentence")


def open_common_voice(
    data: Path, wanted: Wanted, progress: Progress | None = None, source: str = "Common Voice"
) -> Corpus:
    """The corpus in ``data``, a language's folder or one above it. Raises BenchError where there is none."""
    root = find_root(data, wanted.language)
    if (root / TRANSCRIPTS).is_file():
        kept = collect(root, lambda: listed(root / TRANSCRIPTS, "common_voice", {}), wanted, progress, named=True)
    else:
        kept = collect(root, lambda: _official(root, wanted.part), wanted, progress, named=True)
    return Corpus("common_voice", root, kept.clips, kept.rejected, source, left_out=kept.left_out)


def find_root(data: Path, language: str = "en") -> Path:
    """The folder of clips and lists: ``data``, or that of the language below. Raises BenchError where there is none."""
    if not data.is_dir():
        raise BenchError(f"{data}: no such folder")
    for folder in (data, data / language, *sorted(data.glob(f"cv-corpus-*/{language}"))):
        if (folder / TRANSCRIPTS).is_file() or _lists(folder):
            return folder
    packed = archives(data)
    hint = f"; unpack {', '.join(packed)} first" if packed else ""
    raise BenchError(f"{data}: no Common Voice here; expected clips and validated.tsv, or transcripts.csv{hint}")


def _lists(folder: Path) -> list[str]:
    """The lists that are there, of those that are read."""
    return [name for name in (VALIDATED, *PARTS) if (folder / f"{name}.tsv").is_file()]


def _official(root: Path, part: str) -> Iterator[Item]:
    lists = _lists(root)
    if part and part not in lists:
        raise BenchError(f"{root}: no {part}.tsv, so there is no part {part!r}; there are {', '.join(lists)}")
    parts = {
        row["path"]: name for name in PARTS if name in lists for _, row in table(root / f"{name}.tsv", NEEDED)
    }  # a clip is in one of them at most
    chosen = [part] if part else lists[:1] if lists[0] == VALIDATED else lists
    for name in chosen:
        path = root / f"{name}.tsv"
        for _, row in table(path, NEEDED):
            file = row["path"] if "." in Path(row["path"]).name else f"{row['path']}.mp3"  # as early releases have it
            where = f"{CLIPS}/{file}"
            sex = sex_of(row.get("gender"))
            entry = Entry(where, row["sentence"].strip(), row["client_id"] or None, None, sex, parts.get(row["path"]))
            yield present(root, entry, path.name)
    yield from unfinished(root)
    if (root / CLIPS).is_dir():
        yield from unfinished(root / CLIPS)

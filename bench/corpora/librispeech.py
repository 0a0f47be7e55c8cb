"""LibriSpeech (Panayotov et al. 2015, CC BY 4.0): read books; ``test-clean/237/134500/237-134500-0000.flac``.

Its official folders have a ``SPEAKER-CHAPTER.trans.txt`` beside the recordings, a line per utterance, and
``SPEAKERS.TXT`` at the top, which knows the readers' sex. A folder with ``transcripts.csv`` is read by that. A subset's
first word ("test" of test-clean) is a clip's part where no ``transcription_parts.csv`` says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bench.corpora.base import Corpus, Rejected
from bench.corpora.collect import Item, Wanted, collect
from bench.corpora.scan import Entry, Progress
from bench.corpora.transcripts import TRANSCRIPTS, archives, listed, parts_of, present, sex_of, unfinished
from bench.corpora.walk import walk
from bench.errors import BenchError

SPEAKERS = "SPEAKERS.TXT"
SUBSETS = ("dev", "test", "train")


def open_librispeech(
    data: Path, wanted: Wanted, progress: Progress | None = None, name: str = "librispeech", source: str = "LibriSpeech"
) -> Corpus:
    """The corpus in ``data``: official folders, or one with transcripts.csv. Raises BenchError where there is none."""
    root = find_root(data)
    sexes = speakers(root)
    if (root / TRANSCRIPTS).is_file():
        kept = collect(root, lambda: listed(root / TRANSCRIPTS, name, sexes), wanted, progress, named=True)
    else:
        parts = parts_of(root, name)
        kept = collect(root, lambda: _official(root, sexes, parts), wanted, progress, named=True)
    return Corpus(name, root, kept.clips, kept.rejected, source, left_out=kept.left_out)


def find_root(data: Path) -> Path:
    """The folder of subsets, or of transcripts.csv. Raises BenchError where there is none."""
    if not data.is_dir():
        raise BenchError(f"{data}: no such folder")
    for folder in (data, data / "LibriSpeech"):
        if (folder / TRANSCRIPTS).is_file() or next(folder.glob("*-*/*/*/*.trans.txt"), None):
            return folder
    if next(data.glob("*/*/*.trans.txt"), None):  # one subset
        return data
    packed = archives(data)
    hint = f"; unpack {', '.join(packed)} first" if packed else ""
    raise BenchError(
        f"{data}: no LibriSpeech here; expected test-clean/237/134500/237-134500.trans.txt or transcripts.csv{hint}"
    )


def speakers(root: Path) -> dict[str, str]:
    """Sex by speaker from ``SPEAKERS.TXT`` at the top or above it, lines of ``237 | F | test-clean | ...``."""
    path = next((place / SPEAKERS for place in (root, root.parent) if (place / SPEAKERS).is_file()), None)
    if path is None:
        return {}
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        raise BenchError(f"{path}: cannot be read ({error.strerror or error})") from None
    fields = (line.split("|") for line in lines if not line.startswith(";"))
    return {each[0].strip(): sex for each in fields if len(each) > 2 and (sex := sex_of(each[1]))}


def _official(root: Path, sexes: dict[str, str], parts: dict[str, str]) -> Iterator[Item]:
    """Every utterance of every trans.txt, and every recording that none of them names."""
    named = set[str]()
    for folder in sorted({path.parent for path in root.rglob("*.trans.txt")}):
        yield from unfinished(folder)
        for path in sorted(folder.glob("*.trans.txt")):
            for utterance, text in _lines(path):
                within = (folder / f"{utterance}.flac").relative_to(root).as_posix()
                named.add(within)
                speaker = utterance.partition("-")[0]
                part = parts.get(utterance) or _subset(root, within)
                yield present(root, Entry(within, text, speaker, None, sexes.get(speaker), part), path.name)
    yield from unfinished(root)
    for item in walk(root):
        if not isinstance(item, str):
            yield item
        elif item not in named:
            yield Rejected(item, "no transcript: no line of a .trans.txt beside it names it")


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    try:
        for line in path.read_text("utf-8").splitlines():
            utterance, _, text = line.strip().partition(" ")
            if utterance:
                yield utterance, text.strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: cannot be read ({error})") from None


def _subset(root: Path, within: str) -> str | None:
    for folder in (Path(within).parts[0], root.name):
        word = folder.partition("-")[0]
        if word in SUBSETS:
            return word
    return None

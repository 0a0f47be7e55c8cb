"""Speech Commands (Warden 2018, CC BY 4.0): a folder per word, files named ``HASH_nohash_N``, a hash per speaker.

Its lists name the official test and validation clips; the rest is for training, and so, here, is validation: it tests
nobody. Two clips of one speaker are always in the same part.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from bench.corpora.base import Corpus, LeftOut
from bench.corpora.collect import Item, Wanted, collect
from bench.corpora.layouts import SPEECH_COMMANDS
from bench.corpora.scan import Entry, Progress
from bench.corpora.walk import walk
from bench.errors import BenchError

TEST, VALIDATION = "testing_list.txt", "validation_list.txt"
NOISE = "_background_noise_"


def open_speech_commands(data: Path, wanted: Wanted, progress: Progress | None = None) -> Corpus:
    """The corpus in ``data``, or in a folder or two below it. Without its lists it has no official split.

    Raises BenchError when it is not there, or none of its words is in the vocabulary.
    """
    root = find_root(data)
    test = _listed(root / TEST)
    kept = collect(root, lambda: _entries(root, test), wanted, progress, named=True)
    notice = "" if test else f"{TEST} is missing: there is no official split."
    missing = _missing(root, test, kept.words)
    if missing:
        notice = f"Speech Commands is incomplete: {missing:,} of the clips in {TEST} are missing."
    return Corpus(
        "speech_commands", root, kept.clips, kept.rejected, "Speech Commands", notice, kept.left_out,
        (f"official: test is {TEST}; {VALIDATION} counts as train",) if test else (),
    )  # fmt: skip


def find_root(data: Path) -> Path:
    """The folder of word folders. Raises BenchError where there is none."""
    if not data.is_dir():
        raise BenchError(f"{data}: no such folder")
    below = chain.from_iterable(data.glob(f"{'*/' * depth}*/*_nohash_*") for depth in range(3))
    first = next((path for path in below if not path.name.startswith(".")), None)
    if first is None:
        raise BenchError(
            f"{data}: no Speech Commands here; expected WORD/HASH_nohash_N.wav, as in the archive; a folder per label"
            f" with other names opens as folder:{data}"
        )
    return first.parent.parent


def _entries(root: Path, test: frozenset[str]) -> Iterator[Item]:
    for item in walk(root):
        if not isinstance(item, str):
            yield item
        elif item.startswith(f"{NOISE}/"):
            yield LeftOut(1, f"files of {NOISE}, no words")
        elif fields := SPEECH_COMMANDS.match(item):
            official = ("test" if item in test else "train") if test else None
            yield Entry(item, fields["label"], fields["speaker"], official)
        else:
            yield LeftOut(1, "files not named as WORD/HASH_nohash_N")


def _listed(path: Path) -> frozenset[str]:
    """Paths in one of the corpus's lists; none where it is missing."""
    try:
        return frozenset(line.strip() for line in path.read_text("utf-8").splitlines() if line.strip())
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as error:
        raise BenchError(f"{path}: cannot be read ({error})") from None


def _missing(root: Path, test: frozenset[str], words: dict[str, str]) -> int:
    """How many test clips of the words that are there are not."""
    return sum(not (root / path).exists() for path in test if path.partition("/")[0] in words)

"""From files that are listed to clips: labels and names first, then the decoding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import pandas as pd

from audiodecode.limits import LIMITS, Limits
from bench.corpora.base import LeftOut, Rejected
from bench.corpora.labels import Labels
from bench.corpora.layouts import suggest
from bench.corpora.scan import Entry, Progress, scan
from bench.errors import BenchError
from bench.printable import printable

Item = Entry | LeftOut | Rejected
"""What a corpus lists, one file each: one to be read, one that is no part of it, one that cannot be used."""

OWN_WORDS = """--set "vocabulary = {yes = ['yes', 'yeah'], no = ['no']}\""""
_WORDS_TOLD = 20  # of labels outside the vocabulary, the biggest; the rest is one line


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a corpus: the labels, or None for all there are; whether leaving files out is an error; what a
    file may hold."""

    labels: Labels | None = None
    strict: bool = False
    limits: Limits = LIMITS
    part: str = ""
    """Only clips of this part, such as "test", of a corpus that has parts; all where it is empty."""
    columns: tuple[str, ...] = ()
    """How a list of recordings may call its column of references, the usual name first."""
    refusal: Callable[[str], str] = lambda reference: ""
    """Why a reference cannot be marked; empty where it can."""
    language: str = "en"


ANYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class Collected:
    """The clips that are listed and sound, and what became of the other files."""

    clips: pd.DataFrame
    rejected: tuple[Rejected, ...]
    left_out: tuple[LeftOut, ...]
    words: dict[str, str]
    """Label as written -> the first path that has it."""


def collect(
    root: Path,
    listed: Callable[[], Iterable[Item]],
    wanted: Wanted,
    progress: Progress | None = None,
    named: bool = False,
) -> Collected:
    """Read the files that ``listed`` names, whose labels are spelt as the vocabulary spells them or otherwise.

    It is called twice or more, so that nothing is held but counts: no file is decoded before all labels are known. Of a
    corpus that has no parts all is wanted. One that is opened as what it is, ``named``, is not said to look like
    another. Raises BenchError when nothing is left, where a label is ambiguous, or where anything is left out and that
    is forbidden.
    """
    if wanted.part and not any(isinstance(item, Entry) and item.part for item in listed()):
        wanted = replace(wanted, part="")
    words, first, others, rejected = Counter[str](), dict[str, str](), Counter[str](), list[Rejected]()
    for item in _asked(listed(), wanted):
        match item:
            case Entry():
                words[item.label] += 1
                first.setdefault(item.label, item.path)
            case LeftOut():
                others[item.what] += item.files
            case Rejected():
                rejected.append(item)
    outside = {word: count for word, count in words.items() if word and _meant(word, wanted.labels, first) is None}
    left_out = (*_told(outside), *(LeftOut(count, what) for what, count in others.most_common()))
    kept = words.total() - sum(outside.values())
    if left_out and wanted.strict:
        raise BenchError(f"{root}: strict forbids to leave files out: {_sentence(left_out)}")
    if (outside or others) and kept == words[""]:
        advice = "" if named else suggest(root, _some(_asked(listed(), wanted), words.total()), wanted.labels)
        raise BenchError(_nothing(root, left_out, wanted.labels if outside else None) + advice)
    clips, unusable = scan(root, relabelled(_asked(listed(), wanted), wanted.labels), kept, progress, wanted.limits)
    return Collected(clips, (*rejected, *unusable), left_out, first)


def relabelled(items: Iterable[Item], labels: Labels | None) -> Iterator[Entry]:
    """The entries whose label is in the vocabulary, under the vocabulary's own name for it; those without one, too."""
    for item in items:
        if isinstance(item, Entry):
            label = item.label and (labels.find(item.label) if labels else item.label)
            if label is not None:
                yield replace(item, label=label)


def _asked(items: Iterable[Item], wanted: Wanted) -> Iterator[Item]:
    """The items; entries whose reference cannot be marked, or that are of another part, are left out."""
    for item in items:
        if not isinstance(item, Entry):
            yield item
        elif why := wanted.refusal(item.label):
            yield LeftOut(1, f"{printable(item.path)}: {why}")
        elif wanted.part and item.part != wanted.part:
            yield LeftOut(1, f"clips of part {item.part}" if item.part else "clips of no part")
        else:
            yield item


def _meant(word: str, labels: Labels | None, first: dict[str, str]) -> str | None:
    try:
        return labels.find(word) if labels else word
    except BenchError as error:
        raise BenchError(f"{first[word]}: {error}") from None


def _some(items: Iterable[Item], total: int, most: int = 100) -> Iterator[str]:
    """Paths from all over a listing: its first ones may all be of one label or speaker."""
    paths = (item.path for item in items if isinstance(item, Entry))
    return islice(paths, 0, None, max(1, -(-total // most)))


def _told(outside: dict[str, int]) -> list[LeftOut]:
    biggest = sorted(outside.items(), key=lambda pair: (-pair[1], pair[0]))
    told = [LeftOut(count, f"files labelled {word!r}, outside the vocabulary") for word, count in biggest[:_WORDS_TOLD]]
    rest = biggest[_WORDS_TOLD:]
    if rest:
        files = sum(count for _, count in rest)
        told.append(LeftOut(files, f"files of {len(rest):,} other labels outside the vocabulary"))
    return told


def _sentence(left_out: Sequence[LeftOut], most: int = 5) -> str:
    more = f", and {len(left_out) - most} more kinds" if len(left_out) > most else ""
    return ", ".join(map(str, left_out[:most])) + more


def _nothing(root: Path, left_out: Sequence[LeftOut], labels: Labels | None) -> str:
    if not labels:
        return f"{root}: no file is left: {_sentence(left_out)}"
    return (
        f"{root}: nothing here is in the vocabulary ({', '.join(labels.names)}): {_sentence(left_out)};"
        f" other words are a vocabulary of their own: {OWN_WORDS}"
    )

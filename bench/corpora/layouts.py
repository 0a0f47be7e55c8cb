"""What a tree of files looks like, for those who opened it as something else."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice
from pathlib import Path, PurePosixPath

from bench.corpora.labels import Labels
from bench.corpora.listing import read_header
from bench.corpora.pattern import SPLITS, Pattern
from bench.errors import BenchError

SPEECH_COMMANDS = Pattern.of("{label}/{speaker}_nohash_{take}")
AUDIOMNIST = Pattern.of("{speaker}/{label}_{speaker}_{take}")
_ANY = tuple(
    Pattern.of(text)
    for text in (
        "{split}/{label}/{speaker}_{take}", "{split}/{label}/{_}", "{split}/{speaker}/{label}/{_}",
        "{speaker}/{label}_{speaker}_{take}", "{speaker}/{label}/{_}", "{speaker}/{label}_{take}",
        "{label}/{_}", "{speaker}/{label}",
        "{label}_{speaker}_{take}", "{speaker}_{label}_{take}", "{speaker}-{label}-{take}", "{label}-{speaker}-{take}",
        "{label}_{speaker}", "{speaker}_{label}", "{label}_{_}", "{_}_{label}", "{label}",
    )
)  # fmt: skip
_LOOKED_AT = 100  # paths
_SHARE = 0.8  # of them that must fit
_DEEPEST = 3  # folders around a layout


def suggest(root: Path, paths: Iterable[str], labels: Labels | None) -> str:
    """How to open files at ``paths`` under ``root``, as the end of a message; "" where nothing is recognised."""
    some = list(islice(paths, _LOOKED_AT))
    named = _named(root, some)
    if named:
        return f"; it looks like {named}"
    layout = _layout(some, labels) if labels else ""
    return f"; if their names say it, open it with --pattern '{layout}'" if layout else _table_hint(root)


def _layout(paths: Collection[str], labels: Labels) -> str:
    """The pattern that these paths fit."""
    for folders in range(_DEEPEST):
        outer = _around(paths, folders)
        alone = len({PurePosixPath(path).parts[: folders + 1] for path in paths}) == 1
        for pattern in _ANY if outer is not None else ():
            if not (alone and pattern.text.startswith("{speaker}/")) and _fits(pattern, folders, paths, labels):
                return f"{outer}{pattern.text}"
    return ""


def _table_hint(root: Path) -> str:
    """A word on CSVs that list no clips: perhaps they were meant to."""
    tables = (path for path in root.glob("*.[ct]sv") if path.is_file() and not path.name.startswith("."))
    names = sorted(path.name for path in tables if not read_header(path).is_of_clips())
    return f"; {names[0]} has no columns path and label" if names else ""


def recognised(root: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """A sentence for somebody whose folder opens, but is a known corpus that could say more."""
    named = _named(root, list(islice(paths, _LOOKED_AT)))
    return (f"{root.name} looks like {named}, with its speakers and its official split",) if named else ()


def _named(root: Path, paths: Collection[str]) -> str:
    for name, title, pattern in (
        ("speech_commands", "Speech Commands", SPEECH_COMMANDS),
        ("audiomnist", "AudioMNIST", AUDIOMNIST),
    ):
        for folders in range(_DEEPEST):
            inner = [_tail(path, folders) for path in paths]
            fields = [pattern.match(path) for path in inner]
            people = [each["speaker"] for each in fields if each]
            if 2 * len(people) >= max(2, len(paths)) and all(map(_IS_SPEAKER[name], people)):
                return f"{title}: open it as {name}:{root}"
    return ""


_IS_SPEAKER = {
    "speech_commands": lambda name: len(name) == 8 and set(name) <= set("0123456789abcdef"),
    "audiomnist": lambda name: len(name) == 2 and name.isdecimal(),
}


def _fits(pattern: Pattern, folders: int, paths: Collection[str], labels: Labels) -> bool:
    fits = 0
    for path in paths:
        fields = pattern.match(_tail(path, folders)) or {}
        if "split" in fields and fields["split"].casefold() not in SPLITS:
            continue
        try:
            fits += "label" in fields and labels.find(fields["label"]) is not None
        except BenchError:
            continue
    return fits >= max(1, _SHARE * len(paths))


def _tail(path: str, folders: int) -> str:
    return "/".join(PurePosixPath(path).parts[folders:])


def _around(paths: Collection[str], folders: int) -> str | None:
    """The pattern of the outer folders: their name where all share it."""
    outer = [PurePosixPath(path).parts[:folders] for path in paths]
    if not outer or any(len(PurePosixPath(path).parts) <= folders for path in paths):
        return None
    levels = [set(level) for level in zip(*outer, strict=True)]
    literal = {ord("{"): "{{", ord("}"): "}}"}
    return "".join(f"{min(level).translate(literal)}/" if len(level) == 1 else "{_}/" for level in levels)

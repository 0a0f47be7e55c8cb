"""What the path of a file says of it: ``{speaker}/{label}_{speaker}_{take}``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from string import Formatter

from bench.audio import ENDINGS
from bench.corpora.base import LeftOut
from bench.corpora.scan import Entry
from bench.errors import BenchError

FIELDS = ("label", "speaker", "take", "split")
SPLITS = {
    **dict.fromkeys(("train", "training", "dev", "development", "val", "valid", "validation"), "train"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""How a part is called -> "train" or "test". What others validate on is no test: here it is trained on."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A layout of files. Fields are label, speaker, take, split; any other name in braces stands for anything."""

    text: str
    forms: tuple[re.Pattern[str], ...]
    """The first that fits a path is meant: with a number as take, then with anything."""
    has_ending: bool

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Raises BenchError, saying how, for a pattern that cannot be read."""
        text = text.removeprefix("./")
        pieces = _pieces(text)
        names = [name for _, name in pieces if name is not None]
        if "label" not in names:
            raise _broken(text, "it needs {label}")
        if text.startswith("/"):
            raise _broken(text, "paths are relative to the folder, so it cannot begin with /")
        joined = [f"{{{one}}}{{{two}}}" for (_, one), (between, two) in pairwise(pieces) if one and two and not between]
        if joined:
            raise _broken(text, f"nothing tells where in {joined[0]} one ends: text or / must stand between them")
        forms = tuple(re.compile(_expression(pieces, take), re.DOTALL) for take in (r"[0-9]+", r"[^/]+?"))
        return cls(text, forms if "take" in names else forms[:1], PurePosixPath(text).suffix.lower() in ENDINGS)

    def match(self, path: str) -> dict[str, str] | None:
        """The fields of a path relative to the root, or None where it does not fit.

        Each field is as short as the whole allows and holds no /; one that is named twice is the same both times.
        """
        whole = path if self.has_ending else _stem(path)
        match = next(filter(None, (form.fullmatch(whole) for form in self.forms)), None)
        return match.groupdict() if match else None

    def entry(self, path: str) -> Entry | LeftOut:
        """What the path says of its file."""
        fields = self.match(path)
        if fields is None:
            return LeftOut(1, f"files not named as {self.text}")
        split = fields.get("split")
        official = SPLITS.get(split.strip().casefold()) if split else None
        if split and official is None:
            return LeftOut(1, f"files whose split is neither train nor test but {split!r}")
        return Entry(path, fields["label"], fields.get("speaker"), official)


def _pieces(text: str) -> list[tuple[str, str | None]]:
    """Literal text, and the name of the field after it."""
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        raise _broken(text, f"{error}; a brace itself is written {{{{ or }}}}") from None
    for _, name, form, conversion in parsed:
        if name is not None and (form or conversion or not re.fullmatch(r"[^\W\d]\w*", name)):
            raise _broken(text, f"{{{name}}}: a field is a plain name in braces")
    return [(literal, name) for literal, name, _, _ in parsed]


def _expression(pieces: list[tuple[str, str | None]], take: str) -> str:
    written, named = list[str](), set[str]()
    for literal, name in pieces:
        written.append(re.escape(literal))
        if name is None:
            continue
        if name in named:
            written.append(f"(?P={name})")
        elif name == "_":
            written.append("[^/]+?")
        else:
            written.append(f"(?P<{name}>{take if name == 'take' else '[^/]+?'})")
            named.add(name)
    return "".join(written)


def _stem(path: str) -> str:
    pure = PurePosixPath(path)
    return pure.with_suffix("").as_posix() if pure.suffix.lower() in ENDINGS else path


def _broken(text: str, why: str) -> BenchError:
    return BenchError(
        f"pattern {text!r}: {why}; such as {{speaker}}/{{label}}_{{speaker}}_{{take}}, whose fields may be"
        f" {', '.join(FIELDS)}, or any other name, or {{_}}, for what does not matter"
    )

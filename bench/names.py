"""Names: of backends, ``family[:variant](+modifier[@value])*``, read and written here alone; of splits; of files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

CLEAN = "clean"
"""The condition under which clips are as recorded."""
FLOOR = "chance"
"""The backend that is a floor under the others, not a candidate."""
ALL, CROSS, LOSO = "all", "cross", "loso"
SPLITS: Mapping[str, str] = MappingProxyType(
    {
        "official": "the corpus's own: for fsdd, takes 0-4 of every speaker and digit are the test",
        "mixed": "drawn by label with a seed: 70 % train, 10 % validation, 20 % test; the same speakers in each",
        LOSO: "leave one speaker out: a fold per speaker, trained on all the others",
        ALL: "every clip is tested and none is learned from: for backends that are not trained",
    }
)
"""Every split that can be chosen, and what it is; ``cross`` comes by itself with two corpora."""
NOISE, FRAMED, COMPRESS = "noise", "framed", "compress"
LONGEST_PART = 56
"""Bytes of a name within a file name: four of them, and an ending, are fewer than the 255 that file systems allow."""
MODIFIERS: Mapping[str, str] = MappingProxyType(
    {
        NOISE: "a trained backend that is fitted on noisy copies of its training clips too",
        FRAMED: "a trained backend that is fitted on copies with more of the room around them too",
        COMPRESS: "a front end: no words where nobody speaks, pauses shortened, speech faster; @light, @balanced, @hard"
        " or @ a number from 0, nothing, to 1",
    }
)
"""What can follow a ``+``, and what it makes of a backend."""


@dataclass(frozen=True, slots=True)
class Name:
    """A backend's name in its parts."""

    family: str
    variant: str = ""
    modifiers: Mapping[str, str] = field(default_factory=dict)
    """Modifier -> its value, or ""; in the order written."""

    @classmethod
    def parse(cls, text: str) -> Name:
        """Read a name. Only known modifiers are taken off, so that a path may hold a plus."""
        base, modifiers = text, dict[str, str]()
        while (cut := base.rfind("+")) > 0:
            word, _, value = base[cut + 1 :].partition("@")
            if word not in MODIFIERS:
                break
            modifiers = {word: value, **modifiers}
            base = base[:cut]
        family, _, variant = base.partition(":")
        return cls(family, variant, modifiers)

    @property
    def plain(self) -> Name:
        """Without modifiers."""
        return replace(self, modifiers={})

    @property
    def copies(self) -> tuple[str, ...]:
        """Which copies of its training clips the backend learns from, too."""
        return tuple(kind for kind in (NOISE, FRAMED) if kind in self.modifiers)

    @property
    def framed(self) -> bool:
        """Whether it has learned to hear words with the room around them."""
        return FRAMED in self.modifiers

    def __str__(self) -> str:
        tail = "".join(f"+{word}{'@' if value else ''}{value}" for word, value in self.modifiers.items())
        return f"{self.family}{':' if self.variant else ''}{self.variant}{tail}"


def file_name(part: str) -> str:
    """A word made safe for a file name, still distinct, in at most ``LONGEST_PART`` bytes."""
    plain = part.replace(":", "@")
    safe = re.sub(r"[^\w.+@-]", "-", plain)
    code = hashlib.sha256(part.encode(errors="surrogatepass")).hexdigest()
    if len(safe.encode()) > LONGEST_PART - 7:
        return f"{safe.encode()[: LONGEST_PART - 13].decode(errors='ignore')}-{code[:12]}"
    return safe if safe == plain and "@" not in part else f"{safe}-{code[:6]}"

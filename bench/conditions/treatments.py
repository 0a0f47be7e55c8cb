"""Everything a run does to clips: its conditions in test, and copies in the training of ``+noise`` and ``+framed``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.audio import Audio
from bench.clips import Clip
from bench.conditions.apply import apply
from bench.conditions.framing import CONTEXT_S
from bench.conditions.identity import copies_identity, identity
from bench.conditions.render import render
from bench.conditions.resources import Resources
from bench.conditions.spec import CLEAN, parse
from bench.conditions.training import COPIES, MAKERS


@dataclass(frozen=True, slots=True)
class Treatments:
    """Conditions, all that decides what they do, and the folder that changed clips are kept in."""

    folder: Path
    seed: int
    resources: Resources
    identities: Mapping[str, list[Any]]
    """By condition: what :func:`bench.conditions.identity.identity` says."""

    @classmethod
    def of(cls, conditions: Sequence[str], folder: Path, seed: int, resources: Resources) -> Treatments:
        """Raises BenchError where a condition names a file that cannot be found."""
        return cls(folder, seed, resources, {name: identity(parse(name), seed, resources) for name in conditions})

    def tested(self, condition: str, clips: Iterable[Clip], check: bool = False) -> Iterator[Clip]:
        """Test clips as they are under a condition; the same clips for ``clean``. Raises BenchError.

        With ``check``, a changed clip that is there already is read, and made anew where it is damaged.
        """
        meant = parse(condition)
        if meant == CLEAN:
            yield from clips
            return

        def change(clip: Clip, samples: Audio, rate: int) -> tuple[Audio, int]:
            return apply(
                meant, samples, rate,
                clip=clip.id, speaker=clip.speaker, seed=self.seed, resources=self.resources,
            )  # fmt: skip

        changed = render(clips, self._place(self.identities[condition]), change, check)
        context_s = CONTEXT_S if meant.kind == "live" else None
        yield from (replace(clip, context_s=context_s) for clip in changed)

    def copies(self, kind: str, clips: Iterable[Clip], check: bool = False) -> Iterator[Clip]:
        """The copies of training clips of a kind (:data:`bench.conditions.training.MAKERS`), references and speakers
        kept; ``check`` as above."""
        listed = list(clips)
        for number in range(COPIES):

            def change(clip: Clip, samples: Audio, rate: int, number: int = number) -> tuple[Audio, int]:
                return MAKERS[kind](samples, rate, clip.id, number, self.seed), rate

            yield from render(listed, self._place([*copies_identity(kind, self.seed), number]), change, check)

    def _place(self, identity: list[Any]) -> Path:
        return self.folder / hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]

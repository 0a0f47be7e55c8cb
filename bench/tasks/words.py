"""Texts become words, and two lines of words an alignment: substitutions, deletions and insertions.

Texts are compared as Radford et al. 2022 do (appendix C): Whisper's normaliser for English spells out contractions,
writes numbers in figures and leaves out hesitations and what stands in brackets; other languages keep letters, digits
and little else, and those that put no spaces between words are compared by characters. A word without a letter or
digit, which "..." leaves behind there, is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Literal, NamedTuple, cast

from bench.errors import BenchError

PACKAGES = ("jiwer", "whisper-normalizer")
UNSPACED = frozenset({"ja", "lo", "my", "th", "yue", "zh"})
"""Languages that put no spaces between words."""
Kind = Literal["equal", "substitute", "delete", "insert"]


class Edits(NamedTuple):
    """How one line is turned into another with the fewest changes, and how long the first one is."""

    substitutions: int
    deletions: int
    insertions: int
    units: int

    @property
    def errors(self) -> int:
        """All changes."""
        return self.substitutions + self.deletions + self.insertions


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of an alignment: words that were said, words that were heard."""

    kind: Kind
    said: tuple[str, ...]
    heard: tuple[str, ...]


def normalised(text: str, language: str = "en") -> str:
    """The words that a text says, with one space between any two. Raises BenchError where a package is missing."""
    return " ".join(word for word in _normaliser(language)(text).split() if any(map(str.isalnum, word)))


def word_edits(references: Sequence[str], hypotheses: Sequence[str]) -> list[Edits]:
    """Edits of words between normalised texts, line by line."""
    import jiwer

    return [] if not references else _edits(jiwer.process_words(list(references), list(hypotheses)))


def letter_edits(references: Sequence[str], hypotheses: Sequence[str]) -> list[Edits]:
    """Edits of characters between normalised texts, line by line; the spaces between words are characters, too."""
    import jiwer

    return [] if not references else _edits(jiwer.process_characters(list(references), list(hypotheses)))


def alignment(reference: str, hypothesis: str) -> list[Step]:
    """The steps that lead from one normalised text to another. A substitution is of one word."""
    import jiwer

    output = jiwer.process_words(reference, hypothesis)
    first, second = output.references[0], output.hypotheses[0]
    steps: list[Step] = []
    for chunk in output.alignments[0]:
        ours = first[chunk.ref_start_idx : chunk.ref_end_idx]
        theirs = second[chunk.hyp_start_idx : chunk.hyp_end_idx]
        if chunk.type == "substitute":
            steps += [Step("substitute", (a,), (b,)) for a, b in zip(ours, theirs, strict=True)]
        else:
            steps.append(Step(cast(Kind, chunk.type), tuple(ours), tuple(theirs)))
    return steps


def versions() -> str:
    """The packages that texts are compared with: "jiwer 4.0.0, whisper-normalizer 0.1.15"."""
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES)


@lru_cache(maxsize=8)
def _normaliser(language: str) -> Callable[[str], str]:
    try:
        import jiwer  # noqa: F401 - needed as soon as texts are compared
        from whisper_normalizer.basic import BasicTextNormalizer
        from whisper_normalizer.english import EnglishTextNormalizer
    except ModuleNotFoundError as error:
        raise BenchError(
            f"transcripts are compared with {' and '.join(PACKAGES)}: pip install 'digitbench[transcription]'"
        ) from error
    if language == "en":
        return _cached(EnglishTextNormalizer())
    return _cached(BasicTextNormalizer(split_letters=language in UNSPACED))


def _cached(normalise: Callable[[str], str]) -> Callable[[str], str]:
    """The same, remembering texts: a reference is met once for each backend and condition."""
    return lru_cache(maxsize=1 << 16)(normalise)


def _edits(output: object) -> list[Edits]:
    """Edits by line from an output of jiwer, whose own counts are of all lines together."""
    lines = []
    for reference, chunks in zip(output.references, output.alignments, strict=True):  # type: ignore[attr-defined]
        counts = {"substitute": 0, "delete": 0, "insert": 0, "equal": 0}
        for chunk in chunks:
            ref_length, hyp_length = chunk.ref_end_idx - chunk.ref_start_idx, chunk.hyp_end_idx - chunk.hyp_start_idx
            counts[chunk.type] += max(ref_length, hyp_length)
        lines.append(Edits(counts["substitute"], counts["delete"], counts["insert"], len(reference)))
    return lines

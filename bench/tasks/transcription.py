"""Which words were said? A reference is a text, and an answer has errors: substitutions, deletions and insertions."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from bench.errors import BenchError
from bench.tasks.base import LOW, Mark, Measure, Task
from bench.tasks.words import normalised, word_edits

if TYPE_CHECKING:
    import pandas as pd


class Transcription(Task):
    """Writes down what was said. Texts are compared after Whisper's normaliser; raw texts are what records keep."""

    name: ClassVar[str] = "transcription"
    about: ClassVar[str] = "which words were said"
    nouns: ClassVar[str] = "transcribers"
    columns: ClassVar[tuple[str, ...]] = ("text", "sentence", "transcript", "transcription")
    splits: ClassVar[tuple[str, ...]] = ("all",)
    measure: ClassVar[Measure] = Measure("WER", LOW, "with fewer errors")
    none: ClassVar[str] = "no words"

    def check(self, clips: pd.DataFrame) -> None:
        for clip, reference in zip(clips["clip"], clips["reference"], strict=True):
            if why := self.refusal(reference):
                raise BenchError(f"clip {clip!r}: {why}")

    def refusal(self, reference: str) -> str:
        if not reference.strip():
            return "its reference is empty: nobody wrote down what is said"
        return "" if self._words(reference) else f"its reference has no word to compare with: {reference!r:.80}"

    def answer(self, label: str | None, text: str | None) -> str | None:
        """The text, or the label of a backend that gives no other."""
        return label if text is None else text

    def answers(self, labels: pd.Series, texts: pd.Series) -> pd.Series:
        return texts.astype(object).where(texts.notna(), labels.astype(object))

    def mark(self, reference: str, answer: str | None) -> Mark:
        (edits,) = word_edits([self._words(reference)], [self._words(answer or "")])
        return Mark(edits.errors, edits.units)

    def marks(self, references: pd.Series, answers: pd.Series) -> pd.DataFrame:
        import pandas as pd

        said = references.map(self._words).tolist()
        heard = answers.astype(object).where(answers.notna(), "").map(self._words).tolist()
        rows = [(edits.errors, edits.units) for edits in word_edits(said, heard)]
        return pd.DataFrame(rows, columns=Mark._fields, index=references.index).astype("int64")

    def _words(self, text: str) -> str:
        return normalised(text, self.asked.language)

"""Which words were said? A reference is a text, and an answer has errors: substitutions, deletions and insertions.

A rate is the sum of errors over the sum of words (WER) or characters (CER) that were said; it passes 100 % where more
is invented than was said. Texts are compared as :mod:`bench.tasks.words` has them; records keep them raw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from bench.errors import BenchError
from bench.tasks import spoken
from bench.tasks.base import LOW, Fact, Mark, Measure, Section, Task
from bench.tasks.words import letter_edits, normalised, word_edits

if TYPE_CHECKING:
    import pandas as pd

    from bench.records.schema import Run
    from bench.stats import Pair
    from bench.tasks.base import Errors


class Transcription(Task):
    """Writes down what was said."""

    name: ClassVar[str] = "transcription"
    about: ClassVar[str] = "which words were said"
    nouns: ClassVar[str] = "transcribers"
    columns: ClassVar[tuple[str, ...]] = ("text", "sentence", "transcript", "transcription")
    splits: ClassVar[tuple[str, ...]] = ("all",)
    measure: ClassVar[Measure] = Measure("WER", LOW, "with fewer errors")
    test: ClassVar[str] = "paired bootstrap over speakers"
    none: ClassVar[str] = "no words"
    described: ClassVar[bool] = True
    facts: ClassVar[tuple[Fact, ...]] = (
        Fact("CER, %", "cer", "percent", LOW),
        Fact("substituted, %", "substituted", "percent", LOW),
        Fact("left out, %", "deleted", "percent", LOW),
        Fact("added, %", "inserted", "percent", LOW),
    )

    def check(self, clips: pd.DataFrame) -> None:
        for clip, reference in zip(clips["clip"], clips["reference"], strict=True):
            if why := self.refusal(reference):
                raise BenchError(f"clip {clip!r}: {why}")

    def refusal(self, reference: str) -> str:
        if not reference.strip():
            return "its reference is empty: nobody wrote down what is said"
        return "" if self.words(reference) else f"its reference has no word to compare with: {reference!r:.80}"

    def answer(self, label: str | None, text: str | None) -> str | None:
        """The text, or the label of a backend that gives no other."""
        return label if text is None else text

    def shown(self, reference: str, answer: str) -> str:
        """What was said and heard, aligned."""
        return spoken.aligned_text(self.words(reference), self.words(answer))

    def answers(self, labels: pd.Series, texts: pd.Series) -> pd.Series:
        return texts.astype(object).where(texts.notna(), labels.astype(object))

    def mark(self, reference: str, answer: str | None) -> Mark:
        (edits,) = word_edits([self.words(reference)], [self.words(answer or "")])
        return Mark(edits.errors, edits.units)

    def marks(self, references: pd.Series, answers: pd.Series) -> pd.DataFrame:
        import pandas as pd

        edits = word_edits(self.lines(references), self.lines(answers))
        rows = [(each.errors, each.units) for each in edits]
        return pd.DataFrame(rows, columns=Mark._fields, index=references.index).astype("int64")

    def paired(self, a: Errors, b: Errors, units: Errors, speakers: Sequence[str] | None) -> Pair:
        """The paired bootstrap, clustered by speaker where they are known."""
        from bench import stats

        return stats.bootstrap_test(a, b, units, speakers)

    def figures(self, rows: pd.DataFrame, clusters: pd.Series | None, seed: int) -> Mapping[str, float]:
        """The character error rate, and what word errors are made of."""
        references, hypotheses = self.lines(rows["reference"]), self.lines(rows["predicted"])
        letters, words = letter_edits(references, hypotheses), word_edits(references, hypotheses)
        count = sum(each.units for each in words)
        return {
            "cer": sum(each.errors for each in letters) / sum(each.units for each in letters),
            "substituted": sum(each.substitutions for each in words) / count,
            "deleted": sum(each.deletions for each in words) / count,
            "inserted": sum(each.insertions for each in words) / count,
        }

    def tables(self, run: Run, rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
        transcripts = spoken.transcripts(self, run)
        return {
            "clips": spoken.by_clip(transcripts),
            "corpora": spoken.by_group(transcripts, "within", pooled=True),
            "substitutions": spoken.substitutions(transcripts),
            "alignments": spoken.alignments(transcripts),
            "wer_by_speaker": spoken.by_group(transcripts, "speaker"),
            "wer_by_sex": spoken.by_group(transcripts, "sex"),
            "wer_by_content": spoken.by_content(transcripts),
            "work": spoken.work(transcripts),
        }

    def sections(self, run: Run, tables: Mapping[str, pd.DataFrame]) -> Sequence[Section]:
        return spoken.sections(run, tables)

    def words(self, text: str) -> str:
        """A text as it is compared."""
        return normalised(text, self.asked.language)

    def lines(self, texts: pd.Series) -> list[str]:
        """Many texts as they are compared; none is a line without words."""
        return [self.words(text) for text in texts.astype(object).where(texts.notna(), "")]

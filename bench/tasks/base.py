"""What is asked about a clip: which references there can be, what an answer is, how many errors it makes.

A task is a class made with what was asked (:class:`backends.base.Asked`). Statistics, ranks and reports see its marks
alone: a rate is the sum of errors over the sum of units, so a digit is 0 or 1 error of 1, a sentence as many errors as
words are wrong of as many as were said. A worker imports this: what is slow to import is imported where it is used.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple

from backends.base import Asked, Prediction

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from bench.records.schema import Run
    from bench.stats import Pair

    Errors = NDArray[np.int64]

HIGH: Final = "↑"
LOW: Final = "↓"
Kind = Literal["text", "answer", "code", "percent", "count", "number", "fourth"]
"""How a value is written: as it is, as an answer (empty is none), as code, in per cent, whole, to three digits, to four
places."""


class Mark(NamedTuple):
    """How wrong one answer is: errors of so many units."""

    errors: int
    units: int


@dataclass(frozen=True, slots=True)
class Measure:
    """How a share of units without error is shown: ``shown`` turns it into the figure of that name."""

    name: str = "accuracy"
    best: Literal["↑", "↓"] = HIGH
    better: str = "right"
    """What a clip is that one backend alone has so: "right", or "with fewer errors"."""

    @property
    def title(self) -> str:
        """Its name at the beginning of a sentence."""
        return self.name[0].upper() + self.name[1:]

    def shown(self, share: float) -> float:
        """The figure for a share: itself, or 1 less it where the figure is of errors."""
        return share if self.best == HIGH else 1 - share


@dataclass(frozen=True, slots=True)
class Fact:
    """A column that a task adds to a table: its header, the raw column behind it, and how a value is written."""

    header: str
    key: str
    kind: Kind = "text"
    best: Literal["↑", "↓", ""] = ""
    interval: tuple[str, str] | None = None
    """Raw columns of the interval's ends."""


@dataclass(frozen=True, slots=True)
class Part:
    """One table of a section, perhaps about one backend."""

    frame: pd.DataFrame
    facts: Sequence[Fact]
    heading: str = ""
    backend: str = ""
    shaded: bool = False
    """Whether its cells are shares of their row, to be shaded: a confusion matrix."""


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter of the report that only this task has; ``picture`` names the plot that shows it."""

    title: str
    parts: Sequence[Part]
    text: str = ""
    picture: str = ""
    best_only: bool = False
    """Whether the report shows the best backend of each family alone; a page about one backend shows its own parts."""


class Task(ABC):
    """One question about clips."""

    name: ClassVar[str]
    about: ClassVar[str]
    """What is asked, in a line."""
    nouns: ClassVar[str] = "recognisers"
    """What the title of a report calls the backends."""
    closed: ClassVar[bool] = False
    """Whether a reference is a label of the vocabulary. Where not, none is needed, nor told by default."""
    columns: ClassVar[tuple[str, ...]] = ("label",)
    """Columns of a list of recordings that may hold the reference, the usual one first."""
    splits: ClassVar[tuple[str, ...]] = ("official", "mixed", "loso")
    """How a corpus can be divided for this task."""
    measure: ClassVar[Measure] = Measure()
    test: ClassVar[str] = "exact sign test over clips"
    """What :meth:`paired` is called."""
    none: ClassVar[str] = "no answer"
    """What a missing answer is called."""
    described: ClassVar[bool] = False
    """Whether the sound of clips is measured for it (:mod:`bench.describe`)."""
    facts: ClassVar[tuple[Fact, ...]] = ()
    """Figures besides the measure, in the order of the tables; :meth:`figures` makes them."""

    def __init__(self, asked: Asked) -> None:
        """Raises BenchError where that cannot be asked."""
        self.asked = asked

    def lead(self) -> str:
        """How a report begins, before it says on which clips."""
        return f"Recognisers asked {self.about}"

    def check(self, clips: pd.DataFrame) -> None:  # noqa: B027 - optional, most references can be anything
        """Raises BenchError, naming the clip, where a reference cannot be. ``clips`` has columns clip and reference."""

    def refusal(self, reference: str) -> str:
        """Why a clip with this reference is left out, since no answer could be marked; empty where it can."""
        return ""

    def checked(self, prediction: Prediction) -> dict[str, Any]:
        """The prediction as a record. Raises ValueError or TypeError where it breaks the contract."""
        return {
            "label": checked_text(prediction.label),
            "text": checked_text(prediction.text),
            "scores": None,
            "facts": checked_facts(prediction.facts),
        }

    def answer(self, label: str | None, text: str | None) -> str | None:
        """What was answered, by a backend that gave this label and this text; None is no answer."""
        return text if label is None else label

    def shown(self, reference: str, answer: str) -> str:
        """An answer as the gallery shows it beside its reference."""
        return answer

    def answers(self, labels: pd.Series, texts: pd.Series) -> pd.Series:
        """:meth:`answer` of many; each text is looked at once."""
        unlabelled = labels.isna() & texts.notna()
        answers = {text: self.answer(None, text) for text in texts[unlabelled].unique()}
        return labels.astype(object).where(~unlabelled, texts.map(answers).astype(object))

    @abstractmethod
    def mark(self, reference: str, answer: str | None) -> Mark:
        """How wrong the answer is."""

    def marks(self, references: pd.Series, answers: pd.Series) -> pd.DataFrame:
        """:meth:`mark` of many: columns errors and units, with the index of ``references``."""
        import pandas as pd

        given = answers.astype(object).where(answers.notna(), None)
        rows = [self.mark(reference, answer) for reference, answer in zip(references, given, strict=True)]
        return pd.DataFrame(rows, columns=Mark._fields, index=references.index).astype("int64")

    def paired(self, a: Errors, b: Errors, units: Errors, speakers: Sequence[str] | None) -> Pair:
        """Whether a and b differ on the same clips: the exact sign test over clips, the interval by bootstrap."""
        from bench import stats

        return stats.sign_test(a, b, units, speakers)

    def figures(self, rows: pd.DataFrame, clusters: pd.Series | None, seed: int) -> Mapping[str, float]:
        """The values of ``facts``, of one backend on one split."""
        return {}

    def tables(self, run: Run, rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
        """Further tables of a run, by name. ``rows``: the marks of all backends and splits."""
        return {}

    def sections(self, run: Run, tables: Mapping[str, pd.DataFrame]) -> Sequence[Section]:
        """Further chapters of the report."""
        return ()


def checked_text(text: object) -> str | None:
    """Text that can be written down. Raises TypeError or UnicodeEncodeError."""
    if text is None:
        return None
    if not isinstance(text, str):
        raise TypeError(f"text must be a string or None, not {type(text).__name__}")
    text.encode()  # half a surrogate pair could not be written down
    return text


def checked_facts(facts: object) -> dict[str, float] | None:
    """Finite numbers by name that can be written down. Raises TypeError or ValueError."""
    if facts is None:
        return None
    if not isinstance(facts, Mapping):
        raise TypeError(f"facts must be a mapping of names to numbers or None, not {type(facts).__name__}")
    return {str(checked_text(name)): _finite(name, value) for name, value in facts.items()}


def _finite(name: object, value: object) -> float:
    if not isinstance(name, str):
        raise TypeError(f"the name of a fact is a string, not {type(name).__name__}")
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"fact {name!r} must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"fact {name!r} must be a finite number, not {number}")
    return number

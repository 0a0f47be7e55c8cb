"""Which label was said? A reference is a label of the vocabulary, and an answer is right or wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, ClassVar

from backends.base import Asked, Prediction
from bench.tasks.base import HIGH, LOW, Fact, Mark, Part, Section, Task, checked_facts, checked_text

if TYPE_CHECKING:
    import pandas as pd

    from backends.kit.text import TextMapper
    from bench.records.schema import Run
    from bench.stats import Pair
    from bench.tasks.base import Errors

LARGEST_SCORE = 3.4e38
TEXTS = 10
"""Wrong texts that are told of each backend."""


class Classification(Task):
    """Names one of the labels, by itself, by scores for each of them, or by what it transcribes."""

    name: ClassVar[str] = "classification"
    about: ClassVar[str] = "which label of the vocabulary was said"
    nouns: ClassVar[str] = "digit recognisers"
    closed: ClassVar[bool] = True
    splits: ClassVar[tuple[str, ...]] = (*Task.splits, "all")
    test: ClassVar[str] = "exact McNemar test"
    none: ClassVar[str] = "no digit"
    facts: ClassVar[tuple[Fact, ...]] = (
        Fact("macro-F1, %", "macro_f1", "percent", HIGH, ("macro_f1_low", "macro_f1_high")),
        Fact("no digit, %", "no_digit", "percent", LOW),
    )

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self.labels = tuple(asked.vocabulary)

    @cached_property
    def _label_of(self) -> TextMapper:
        from backends.kit.text import TextMapper  # not before it is used: no record depends on how answers are read

        return TextMapper(self.asked.vocabulary)

    def lead(self) -> str:
        return f"Recognisers of {len(self.labels)} words"

    def checked(self, prediction: Prediction) -> dict[str, Any]:
        if prediction.label is not None and prediction.label not in self.labels:
            raise ValueError(f"label {prediction.label!r} is not in the vocabulary ({', '.join(self.labels)})")
        text, scores = checked_text(prediction.text), self._scores(prediction.scores)
        return {"label": prediction.label, "text": text, "scores": scores, "facts": checked_facts(prediction.facts)}

    def answer(self, label: str | None, text: str | None) -> str | None:
        """The label given, or where there is none the one that the text says (:mod:`backends.kit.text`)."""
        return self._label_of(text) if label is None and text is not None else label

    def mark(self, reference: str, answer: str | None) -> Mark:
        return Mark(int(reference != answer), 1)

    def marks(self, references: pd.Series, answers: pd.Series) -> pd.DataFrame:
        import pandas as pd

        wrong = ~(references == answers).fillna(False).astype(bool)
        return pd.DataFrame({"errors": wrong.astype("int64"), "units": 1}, index=references.index)

    def paired(self, a: Errors, b: Errors, units: Errors, speakers: Sequence[str] | None) -> Pair:
        """Exact McNemar; the interval is that of Bonett and Price."""
        from bench import stats

        return stats.mcnemar(int((a < b).sum()), int((b < a).sum()), len(a))

    def figures(self, rows: pd.DataFrame, clusters: pd.Series | None, seed: int) -> Mapping[str, float]:
        """Macro-F1 with its interval, and the share of clips in which nothing of the vocabulary was heard."""
        from bench import stats

        f1 = stats.macro_f1(rows["reference"], rows["predicted"], clusters, seed=seed)
        names = ("macro_f1", "macro_f1_low", "macro_f1_high")
        return {**dict(zip(names, f1, strict=True)), "no_digit": float(rows["predicted"].isna().mean())}

    def tables(self, run: Run, rows: pd.DataFrame) -> Mapping[str, pd.DataFrame]:
        return {
            "confusion": confusion(rows),
            "wrong_texts": wrong_texts(run),
            "agreement": agreement(run),
            "calibration": calibration(rows, list(self.labels)),
        }

    def sections(self, run: Run, tables: Mapping[str, pd.DataFrame]) -> Sequence[Section]:
        candidates = (
            Section("Confusions of the best of each family", self._confusions(tables), "", "confusion", True),
            Section("Commonest wrong texts", _texts(tables["wrong_texts"]), "Over all clips that the backend heard."),
            Section("Engines on the same weights", _agreement(tables["agreement"])),
            Section("Can the scores be trusted", _calibration(tables["calibration"]), CALIBRATION, "reliability"),
        )
        return [section for section in candidates if section.parts]

    def _confusions(self, tables: Mapping[str, pd.DataFrame]) -> list[Part]:
        """Of every backend, on the hardest split that it was heard on in full; the accuracy table is hardest first."""
        parts = []
        for _, row in tables["accuracy"].drop_duplicates("backend").iterrows():
            counts = tables["confusion"]
            counts = counts[(counts["backend"] == row["backend"]) & (counts["split"] == row["split"])]
            wide = counts.pivot(index="label", columns="predicted", values="clips")
            labels = [label for label in self.labels if label in wide.index]
            answers = [*self.labels, ""]
            wide = wide.reindex(index=labels, columns=answers).fillna(0)
            wide = wide.set_axis(map(str, range(len(answers))), axis=1).reset_index()
            facts = [Fact("said in rows, heard in columns", "label")]
            facts += [Fact(name or self.none, str(place), "count") for place, name in enumerate(answers)]
            heading = f"{row['split']}: {100 * row['accuracy']:.1f} % of {row['clips']:,}"
            parts.append(Part(wide, facts, heading, row["backend"], shaded=True))
        return parts

    def _scores(self, scores: Mapping[str, float] | None) -> list[float] | None:
        if scores is None:
            return None
        if set(scores) != set(self.labels):
            raise ValueError(f"scores are for {sorted(scores)}, the vocabulary is {sorted(self.labels)}")
        for label, score in scores.items():
            if isinstance(score, bool | str | bytes):
                raise TypeError(f"the score of {label} is a number, not {type(score).__name__}")
        values = [_float(scores[label]) for label in self.labels]
        bad = [label for label, value in zip(self.labels, values, strict=True) if not abs(value) < LARGEST_SCORE]
        if bad:
            raise ValueError(f"scores of {', '.join(bad)} are not finite numbers of 32 bits")
        return values


CALIBRATION = (
    "Brier score from 0 to 2; expected calibration error over 15 bins of equal width; AUC of each label against the"
    " rest. The first two only where scores are probabilities."
)


def confusion(rows: pd.DataFrame) -> pd.DataFrame:
    """How often each backend heard which label for which; "no digit" is an empty predicted."""
    keys = ["split", "backend", "label", "predicted"]
    filled = rows.assign(predicted=_written(rows["predicted"]), label=rows["reference"])
    return filled.groupby(keys).size().rename("clips").reset_index()


def wrong_texts(run: Run) -> pd.DataFrame:
    """The ten commonest texts of each backend that did not give the label: how often, and what had been said."""
    import pandas as pd

    texts = _texts_of(run)
    wrong = texts[texts["errors"] > 0]
    wrong = wrong.assign(text=wrong["text"].str.strip(), predicted=_written(wrong["predicted"]))
    if wrong.empty:
        return pd.DataFrame(columns=["backend", "text", "predicted", "clips", "labels"])
    counts = wrong.groupby(["backend", "text", "predicted"])["reference"].agg(clips="size", labels=_tally).reset_index()
    counts = counts.sort_values(["backend", "clips", "text"], ascending=[True, False, True])
    return counts.groupby("backend").head(TEXTS).reset_index(drop=True)


def agreement(run: Run) -> pd.DataFrame:
    """Engines on the same weights: zero-shot backends that write text and share the variant after the colon."""
    import pandas as pd

    texts = _texts_of(run)
    rows = []
    for a, b in combinations(sorted(texts["backend"].unique()), 2):
        variant = a.partition(":")[2]
        if not variant or variant != b.partition(":")[2]:
            continue
        both = texts[texts["backend"] == a].merge(texts[texts["backend"] == b], on="clip")
        if both.empty:
            continue
        left, right = both["predicted_x"], both["predicted_y"]
        same_label = (left == right).astype(bool) | (left.isna() & right.isna())
        same_text = both["text_x"].str.strip() == both["text_y"].str.strip()
        rows.append((variant, a, b, len(both), float(same_label.mean()), float(same_text.mean())))
    return pd.DataFrame(rows, columns=["variant", "a", "b", "clips", "same_label", "same_text"])


def calibration(rows: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """Brier score, calibration error and macro AUC of backends that score every clip.

    The first two only where scores are probabilities.
    """
    import numpy as np
    import pandas as pd

    from bench import stats

    table = []
    for (split, backend), scored in rows.groupby(["split", "backend"]):
        if scored["scores"].isna().any():
            continue
        scores = np.stack([np.asarray(row, dtype=np.float64) for row in scored["scores"]])
        truth = np.array([labels.index(label) for label in scored["reference"]])
        proper = stats.probabilities(scores)
        brier, ece = (f(scores, truth) if proper else np.nan for f in (stats.brier, stats.calibration_error))
        table.append((split, backend, len(scored), brier, ece, stats.macro_auc(scores, truth)))
    return pd.DataFrame(table, columns=["split", "backend", "clips", "brier", "ece", "macro_auc"])


def _texts_of(run: Run) -> pd.DataFrame:
    """What zero-shot backends transcribed of clean clips."""
    rows = run.predictions
    return rows[rows["text"].notna() & rows["split"].isna() & (rows["condition"] == "clean")]


def _texts(wrong: pd.DataFrame) -> list[Part]:
    facts = (
        Fact("text", "text", "code"),
        Fact("taken for", "predicted", "answer"),
        Fact("clips", "clips", "count"),
        Fact("what had been said", "labels"),
    )
    return [Part(rows, facts, backend=str(name)) for name, rows in wrong.groupby("backend")]


def _agreement(frame: pd.DataFrame) -> list[Part]:
    facts = (
        Fact("weights", "variant"),
        Fact("engine a", "a"),
        Fact("engine b", "b"),
        Fact("clips heard by both", "clips", "count"),
        Fact("same label, %", "same_label", "percent"),
        Fact("same text, %", "same_text", "percent"),
    )
    return [Part(frame, facts)] if len(frame) else []


def _calibration(frame: pd.DataFrame) -> list[Part]:
    facts = (
        Fact("backend", "backend"),
        Fact("split", "split"),
        Fact("clips", "clips", "count"),
        Fact("Brier score", "brier", "fourth", LOW),
        Fact("calibration error, %", "ece", "percent", LOW),
        Fact("macro AUC, %", "macro_auc", "percent", HIGH),
    )
    return [Part(frame, facts)] if len(frame) else []


def _written(answers: pd.Series) -> pd.Series:
    return answers.astype(object).where(answers.notna(), "")


def _tally(labels: pd.Series) -> str:
    """ "5 (12), 9 (3)", commonest first."""
    counts = labels.value_counts()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], str(item[0])))
    return ", ".join(f"{label} ({count})" for label, count in ordered)


def _float(score: float) -> float:
    try:
        return float(score)
    except OverflowError:  # a whole number of more than 308 digits
        return float("inf")

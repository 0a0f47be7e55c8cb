from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import Asked, Prediction
from bench import stats, tasks
from bench.errors import BenchError
from bench.tasks.base import HIGH, LOW, Mark, Measure, Task, checked_text
from bench.tasks.classification import Classification

OWN = """
from bench.tasks.base import Mark, Task


class Length(Task):
    name = "length"
    about = "how long it is"

    def mark(self, reference, answer):
        return Mark(abs(len(answer or "") - len(reference)), len(reference))


class Nothing:
    pass
"""


class Letters(Task):
    """Which letters were said: those that differ are errors, place by place."""

    name = "letters"
    about = "which letters were said"
    looked: int = 0

    def answer(self, label: str | None, text: str | None) -> str | None:
        self.looked += 1
        return (text or "").strip() or None if label is None else label

    def mark(self, reference: str, answer: str | None) -> Mark:
        given = (answer or "").ljust(len(reference))
        return Mark(sum(x != y for x, y in zip(reference, given, strict=False)), len(reference))


@pytest.fixture
def letters() -> Letters:
    return Letters(Asked("letters"))


def test_each_text_is_looked_at_once(letters: Letters) -> None:
    labels = pd.Series([None, None, "x", None, None], index=list("abcde"), dtype=object)
    texts = pd.Series([" b ", " b ", " b ", None, " "], index=list("abcde"), dtype=object)
    answers = letters.answers(labels, texts)
    assert letters.looked == 2
    assert list(answers.index) == list("abcde")
    assert [None if pd.isna(answer) else answer for answer in answers] == ["b", "b", "x", None, None]


@given(st.lists(st.tuples(st.none() | st.text(), st.none() | st.text()), max_size=20))
def test_answers_are_each_answer(said: list[tuple[str | None, str | None]]) -> None:
    task = Letters(Asked("letters"))
    labels, texts = (pd.Series([each[i] for each in said], dtype=object) for i in (0, 1))
    assert [None if pd.isna(answer) else answer for answer in task.answers(labels, texts)] == [
        task.answer(label, text) for label, text in said
    ]


def test_marks_keep_rows_and_are_whole_numbers(letters: Letters) -> None:
    references = pd.Series(["abc", "de", "f"], index=[7, 3, 5])
    marks = letters.marks(references, pd.Series(["abx", None, "f"], index=[7, 3, 5], dtype=object))
    assert marks.to_dict("index") == {
        7: {"errors": 1, "units": 3},
        3: {"errors": 2, "units": 2},
        5: {"errors": 0, "units": 1},
    }
    assert set(map(str, marks.dtypes)) == {"int64"}


def test_a_missing_answer_is_none_however_it_is_stored(letters: Letters) -> None:
    references = pd.Series(["ab"] * 3)
    marks = letters.marks(references, pd.Series([None, np.nan, pd.NA], dtype=object))
    assert marks["errors"].tolist() == [2, 2, 2]


def test_it_tests_by_signs_unless_it_says_otherwise(letters: Letters) -> None:
    a, b, units = np.array([0, 1, 2, 0]), np.array([1, 1, 0, 3]), np.array([3, 3, 3, 3])
    speakers = ["x", "x", "y", "y"]
    assert letters.paired(a, b, units, speakers) == stats.sign_test(a, b, units, speakers)
    assert letters.paired(a, b, units, None) == stats.sign_test(a, b, units)


def test_a_prediction_is_written_down_as_it_is(letters: Letters) -> None:
    said = Prediction("x", {"x": 1.0}, "an x", {"decoder_tokens": 7})
    assert letters.checked(said) == {"label": "x", "text": "an x", "scores": None, "facts": {"decoder_tokens": 7.0}}


@pytest.mark.parametrize("text", ["\ud800", 3, b"bytes", ["a"]])
def test_text_that_cannot_be_written_down_is_refused(text: object) -> None:
    with pytest.raises((TypeError, UnicodeEncodeError), match=r"text must be a string or None|surrogates not allowed"):
        checked_text(text)


@given(st.none() | st.text())
def test_any_other_text_is_kept(text: str | None) -> None:
    assert checked_text(text) == text


def test_a_report_begins_with_what_is_asked(letters: Letters) -> None:
    assert letters.lead() == "Recognisers asked which letters were said"
    assert letters.figures(pd.DataFrame(), None, 0) == {} and not letters.facts


@given(st.floats(-3, 1))
def test_a_measure_of_errors_is_what_a_share_lacks(share: float) -> None:
    assert Measure().shown(share) == share and Measure().best == HIGH
    assert Measure("word error rate", LOW).shown(share) == pytest.approx(1 - share)
    assert Measure("word error rate", LOW).title == "Word error rate"


def test_the_registry_has_what_is_built_in() -> None:
    assert tasks.registry()["classification"] == tasks.target("classification")
    assert tasks.find("classification") is Classification
    assert tasks.lasting("classification") == "classification"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("clasification", "no task named 'clasification'; did you mean classification"),
        ("", "no task named ''"),
        ("a.py:", "no task named 'a.py:'"),
        ("nowhere.py:Class", "cannot import task '.*nowhere.py:Class': FileNotFoundError"),
        ("no.such.module:Class", "cannot import task 'no.such.module:Class': ModuleNotFoundError"),
        ("bench.tasks.base:Mark", "'bench.tasks.base:Mark' is not a class derived from bench.tasks.base.Task"),
        ("bench.tasks.base:HIGH", "is not a class derived from bench.tasks.base.Task"),
        ("bench.tasks.base:Tusk", "cannot import task 'bench.tasks.base:Tusk': AttributeError"),
    ],
)
def test_what_is_no_task_is_refused(name: str, reason: str) -> None:
    with pytest.raises(BenchError, match=reason):
        tasks.find(name)


def test_a_file_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    task = tasks.make(Asked("own.py:Length"))
    assert task.name == "length" and task.mark("abc", "a") == Mark(2, 3)
    assert tasks.lasting("own.py:Length") == f"{tmp_path.resolve()}/own.py:Length"
    with pytest.raises(BenchError, match=r"own.py:Nothing' is not a class derived from bench.tasks.base.Task"):
        tasks.find("own.py:Nothing")


def test_a_file_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit(3)")
    with pytest.raises(BenchError, match=r"cannot import task '.*broken.py:Task': SystemExit: 3"):
        tasks.find(f"{tmp_path}/broken.py:Task")


def test_an_entry_point_joins_and_cannot_displace(monkeypatch: pytest.MonkeyPatch) -> None:
    target = f"{__name__}:Letters"
    installed = {tasks.ENTRY_POINTS: [("letters", target), ("classification", target)]}
    monkeypatch.setattr(tasks, "entry_points", lambda group: iter(installed[group]))
    assert tasks.find("letters") is Letters and tasks.lasting("letters") == "letters"
    assert tasks.find("classification") is Classification

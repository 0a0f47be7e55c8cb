from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from backends.base import Asked, Prediction
from backends.kit.text import TextMapper
from bench import stats
from bench.report import build
from bench.tasks.base import Mark
from bench.tasks.classification import Classification, agreement, confusion, wrong_texts
from tests.bench import factory

VOCABULARY = {"0": ("zero", "oh"), "1": ("one", "won"), "2": ("two", "to")}
TASK = Classification(Asked("classification", VOCABULARY))
ANSWERS = st.none() | st.sampled_from([*VOCABULARY, "7"])


@given(st.none() | st.sampled_from([*VOCABULARY]), st.none() | st.sampled_from(["zero", "Two!", "one two", "", "hm"]))
def test_a_label_wins_over_a_text_that_is_read_by_rule(label: str | None, text: str | None) -> None:
    read = TextMapper(VOCABULARY)(text) if text is not None else None
    assert TASK.answer(label, text) == (read if label is None else label)


def test_many_texts_are_read_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    task = Classification(Asked("classification", VOCABULARY))

    def one(self: TextMapper, text: str) -> str:
        read.append(text)
        return "1"

    monkeypatch.setattr(TextMapper, "__call__", one)
    answers = task.answers(pd.Series([None, None, "0"], dtype=object), pd.Series(["won"] * 3, dtype=object))
    assert answers.tolist() == ["1", "1", "0"] and read == ["won"]


@given(st.lists(st.tuples(st.sampled_from([*VOCABULARY]), ANSWERS), max_size=30))
def test_marks_are_each_mark(said: list[tuple[str, str | None]]) -> None:
    references, answers = (pd.Series([each[i] for each in said], dtype=object) for i in (0, 1))
    marks = TASK.marks(references, answers)
    assert list(marks.itertuples(index=False, name=None)) == [TASK.mark(*each) for each in said]
    assert all(TASK.mark(*each) == Mark(int(each[0] != each[1]), 1) for each in said)


def test_what_keeps_the_contract_is_written_down() -> None:
    scores: dict[str, Any] = {"2": 0, "0": np.float32(0.25), "1": -1.5}
    assert TASK.checked(Prediction("1", scores, "won", {"n": 3})) == {
        "label": "1",
        "text": "won",
        "scores": [0.25, -1.5, 0.0],  # in the order of the vocabulary
        "facts": {"n": 3.0},
    }
    assert TASK.checked(Prediction()) == {"label": None, "text": None, "scores": None, "facts": None}


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"label": "7"}, "label '7' is not in the vocabulary"),
        ({"label": ""}, "label '' is not in the vocabulary"),
        ({"text": 3}, "text must be a string or None, not int"),
        ({"text": "\ud800"}, "surrogates not allowed"),
        ({"scores": {}}, r"scores are for \[\]"),
        ({"scores": {"0": 1.0, "1": 1.0}}, r"scores are for \['0', '1'\], the vocabulary is \['0', '1', '2'\]"),
        ({"scores": {"0": 1.0, "1": 1.0, "2": 0.0, "3": 0.0}}, "scores are for"),
        ({"scores": {"0": 1.0, "1": True, "2": 0.0}}, "the score of 1 is a number, not bool"),
        ({"scores": {"0": 1.0, "1": "0.5", "2": 0.0}}, "the score of 1 is a number, not str"),
        ({"scores": {"0": 1.0, "1": float("nan"), "2": 0.0}}, "scores of 1 are not finite"),
        ({"scores": {"0": 1.0, "1": 1e39, "2": float("-inf")}}, "scores of 1, 2 are not finite"),
        ({"scores": {"0": 10**400, "1": 0.0, "2": 0.0}}, "scores of 0 are not finite"),
    ],
)
def test_what_breaks_the_contract_is_refused(said: dict[str, Any], reason: str) -> None:
    with pytest.raises((ValueError, TypeError), match=reason):
        TASK.checked(Prediction(**said))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=1, max_size=60))
def test_two_backends_differ_by_mcnemar_with_the_interval_of_bonett_and_price(marks: list[tuple[int, int]]) -> None:
    a, b = (np.array([mark[i] for mark in marks]) for i in (0, 1))
    only_a, only_b, n = int(((a == 0) & (b == 1)).sum()), int(((a == 1) & (b == 0)).sum()), len(a)
    pair = TASK.paired(a, b, np.ones(n, dtype=np.int64), ["x"] * n)
    assert (pair.a_only, pair.b_only) == (only_a, only_b)
    assert pair.p == (pytest.approx(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1)
    p, q = (only_a + 1) / (n + 2), (only_b + 1) / (n + 2)
    half = 1.959964 * np.sqrt((p + q - (p - q) ** 2) / (n + 2))
    assert pair[2:5] == pytest.approx(((only_a - only_b) / n, max(p - q - half, -1), min(p - q + half, 1)), abs=1e-6)


def test_figures_are_macro_f1_and_the_share_of_no_digit() -> None:
    table = factory.clips()
    rows = factory.run(factory.heard(table, "a", ["0_ann_0"], ["1_bob_3", "1_bob_4", "2_cid_5"])).predictions
    figures = TASK.figures(rows, rows["speaker"], 5)
    assert figures["no_digit"] == pytest.approx(3 / 90)
    f1 = stats.macro_f1(rows["reference"], rows["predicted"], rows["speaker"], seed=5)
    assert tuple(figures[f"macro_f1{end}"] for end in ("", "_low", "_high")) == f1
    assert set(figures) == {column for fact in TASK.facts for column in (fact.key, *(fact.interval or ()))}


def test_confusions_count_every_clip_and_no_digit_is_empty() -> None:
    rows = factory.run(factory.heard(factory.clips(), "a", ["0_ann_0"], ["1_bob_3"])).predictions
    counts = confusion(rows.assign(split="loso")).set_index(["label", "predicted"])["clips"]
    assert counts.to_dict() == {("0", "0"): 29, ("0", "1"): 1, ("1", ""): 1, ("1", "1"): 29, ("2", "2"): 30}


def test_wrong_texts_are_tallied_commonest_first() -> None:
    heard = factory.heard(factory.clips(), "a", ["0_ann_0", "0_ann_1"], ["1_bob_3", "2_bob_3", "2_bob_4"], texts=True)
    texts = wrong_texts(factory.run(heard))
    assert texts[["text", "predicted", "clips", "labels"]].to_numpy().tolist() == [
        ["Bye.", "", 3, "2 (2), 1 (1)"],
        ["1", "1", 2, "0 (2)"],
    ]


def test_engines_agree_on_labels_and_on_texts() -> None:
    table = factory.clips()
    parts = [factory.heard(table, name, ["0_ann_0"] if name == "x:w" else [], texts=True) for name in ("x:w", "y:w")]
    other = factory.heard(table, "z:v", texts=True)
    run = factory.run(pd.concat([*parts, other], ignore_index=True))
    assert agreement(run).to_numpy().tolist() == [["w", "x:w", "y:w", 90, 89 / 90, 89 / 90]]


def test_sections_are_those_with_something_to_say() -> None:
    table = factory.clips()
    bare = factory.run(factory.heard(table, "a"))
    titles = [section.title for section in bare.task.sections(bare, build(bare).tables)]
    assert titles == ["Confusions of the best of each family"]
    said = factory.heard(table, "x:w", ["0_ann_0"], texts=True), factory.heard(table, "y:w", texts=True)
    scored = factory.heard(table, "b", scores=True)
    full = factory.run(pd.concat([*said, scored], ignore_index=True))
    sections = full.task.sections(full, build(full).tables)
    assert [section.title for section in sections] == [
        "Confusions of the best of each family",
        "Commonest wrong texts",
        "Engines on the same weights",
        "Can the scores be trusted",
    ]
    assert {section.picture for section in sections} == {"confusion", "", "reliability"}
    (part,) = [part for part in sections[0].parts if part.backend == "x:w"]
    assert part.shaded and part.frame[["0", "1", "2", "3"]].to_numpy().tolist() == [
        [29, 1, 0, 0],
        [0, 30, 0, 0],
        [0, 0, 30, 0],
    ]


def test_it_says_of_how_many_words() -> None:
    assert TASK.lead() == "Recognisers of 3 words" and TASK.closed and TASK.test == "exact McNemar test"

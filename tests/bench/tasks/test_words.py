"""Alignments against jiwer's own sums and an independent edit distance; texts against OpenAI's own normaliser."""

from __future__ import annotations

import re

import jiwer
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from bench.tasks.words import Edits, alignment, letter_edits, normalised, versions, word_edits

LINES = st.lists(st.sampled_from(["a", "b", "c", "dd"]), max_size=8).map(" ".join)
PAIRS = st.lists(st.tuples(LINES.filter(bool), LINES), min_size=1, max_size=6)


@given(PAIRS)
def test_edits_sum_to_jiwers(pairs: list[tuple[str, str]]) -> None:
    said, heard = [list(each) for each in zip(*pairs, strict=True)]
    for own, theirs in (
        (word_edits(said, heard), jiwer.process_words(said, heard)),
        (letter_edits(said, heard), jiwer.process_characters(said, heard)),
    ):
        assert sum(each.substitutions for each in own) == theirs.substitutions
        assert sum(each.deletions for each in own) == theirs.deletions
        assert sum(each.insertions for each in own) == theirs.insertions
        assert sum(each.errors for each in own) == theirs.substitutions + theirs.deletions + theirs.insertions


@given(LINES.filter(bool), LINES)
def test_no_alignment_is_shorter(said: str, heard: str) -> None:
    (edits,) = word_edits([said], [heard])
    assert edits.errors == Levenshtein.distance(said.split(), heard.split())
    assert edits.units == len(said.split())


@given(LINES.filter(bool), LINES)
def test_steps_hold_both_lines_and_every_edit(said: str, heard: str) -> None:
    steps = alignment(said, heard)
    assert [word for step in steps for word in step.said] == said.split()
    assert [word for step in steps for word in step.heard] == heard.split()
    assert all(step.said == step.heard for step in steps if step.kind == "equal")
    substitutions, deletions, insertions = (
        sum(max(len(step.said), len(step.heard)) for step in steps if step.kind == kind)
        for kind in ("substitute", "delete", "insert")
    )
    assert word_edits([said], [heard]) == [Edits(substitutions, deletions, insertions, len(said.split()))]


def test_no_lines_are_no_edits() -> None:
    assert word_edits([], []) == letter_edits([], []) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Mr. Hale's twenty-one cats [purring] don't, uh, mind $5.20!", "mister hale is 21 cats do not mind $5.20"),
        ("...", ""),
        ("  ", ""),
        ("(laughter)", ""),
        ("Déjà VU", "deja vu"),
        ("cafe\u0301", "cafe"),
    ],
)
def test_english_is_written_as_whisper_compares_it(text: str, words: str) -> None:
    assert normalised(text) == words


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [("Grüße, Welt!", "de", "grüße welt"), ("你好,世界", "zh", "你 好 世 界"), ("uh, twenty", "fr", "uh twenty")],
)
def test_other_languages_keep_letters(text: str, language: str, words: str) -> None:
    assert normalised(text, language) == words


@given(st.text())
def test_any_text_becomes_words_and_stays_so_in_either_form(text: str) -> None:
    words = normalised(text, "de")
    assert words == " ".join(words.split())
    assert all(any(map(str.isalnum, word)) for word in words.split())


def test_it_is_openais_normaliser() -> None:
    normalizers = pytest.importorskip("whisper.normalizers")
    theirs = normalizers.EnglishTextNormalizer()
    for text in (
        "Chapter one. Missus Rachel Lynde is surprised!",
        "He'd've gone at 7:30 p.m. for £3,000 (roughly), y'know -- the 21st of May, nineteen ninety-nine.",
        "colour, grey; I'm gonna wanna: [noise] 50 % of one hundred and one",
        "Dr. O'Neill isn't, won't, can't, let's, it's Dave's.",
    ):
        assert normalised(text) == " ".join(w for w in theirs(text).split() if any(map(str.isalnum, w)))


def test_versions_are_named() -> None:
    assert re.fullmatch(r"jiwer \d[\d.]*, whisper-normalizer \d[\d.]*", versions())

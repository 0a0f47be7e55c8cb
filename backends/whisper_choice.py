"""A closed choice put to Whisper's decoder: how probable is it that the text starts with each label's words?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.base import BackendError, Vocabulary
from backends.text import words

Tokens = tuple[int, ...]
Matrix = NDArray[np.float64]
Nesting = list[tuple[int, list[int]]]

PROMPT_LIMIT = 223
"""Tokens of earlier text that Whisper was trained to read."""
BATCH = 8
"""Most windows that are heard together: with more, a core's cache no longer holds them."""
LEAST = 1e-30
"""Probability below which a label does not fall: its logarithm is taken."""


class Choice:
    """Probabilities of a vocabulary's labels from the decoder, after one fixed prompt."""

    def __init__(self, model: Any, tokenizer: Any, vocabulary: Vocabulary, start: Sequence[str], prompt: bool) -> None:
        """``model``: ctranslate2.models.Whisper; ``tokenizer``: tokenizers.Tokenizer; ``start``: tokens that begin a
        transcript. With ``prompt`` the vocabulary's words are given as the text that came before.

        Raises BackendError for a vocabulary that cannot be told apart.
        """
        self._model = model
        earlier = prompt_tokens(tokenizer, vocabulary) if prompt else ()
        self.prompt = [*earlier, *(tokenizer.token_to_id(token) for token in start)]
        by_label = [spellings(tokenizer, label, spoken) for label, spoken in vocabulary.items()]
        self._sequences = [tokens for label in by_label for tokens in label]
        if len(set(self._sequences)) < len(self._sequences):
            raise BackendError("vocabulary: two labels are written with the same tokens")
        owners = [row for row, label in enumerate(by_label) for _ in label]
        self._member: Matrix = (np.array(owners)[:, np.newaxis] == np.arange(len(by_label))).astype(np.float64)
        starts = {tokens[:end] for tokens in self._sequences for end in range(len(tokens))}
        self._steps = [(start, _after(start, self._sequences)) for start in sorted(starts)]
        self._nested = nested(self._sequences)

    def log_probabilities(self, states: Any) -> Matrix:
        """Encoder states (clips, frames, width) -> log probability of each label, shape (clips, labels)."""
        logs = np.zeros((states.shape[0], len(self._sequences)))
        for start, columns in self._steps:
            tokens = [self._sequences[column][len(start)] for column in columns]
            logs[:, columns] += self._next(states, start, tokens)
        return np.log(np.maximum(exclusive(np.exp(logs), self._nested) @ self._member, LEAST))

    def _next(self, states: Any, start: Tokens, tokens: list[int]) -> Matrix:
        """Log probabilities that these tokens come after prompt and ``start``, shape (clips, tokens)."""
        prompt = [*self.prompt, *start]
        results = self._model.generate(
            states,
            [prompt] * states.shape[0],
            beam_size=1,
            max_length=len(prompt) + 1,
            return_logits_vocab=True,
            suppress_blank=False,
            suppress_tokens=[],
        )
        logits = np.stack([np.asarray(result.logits[0][len(start)], np.float32).ravel() for result in results])
        logits -= logits.max(axis=1, keepdims=True)
        total = np.log(np.exp(logits).sum(axis=1, keepdims=True, dtype=np.float64))
        return np.asarray(logits[:, tokens] - total, np.float64)


def exclusive(whole: Matrix, nesting: Nesting) -> Matrix:
    """Probability of starting with each sequence and with none of those that continue it: disjoint events.

    ``whole``: probability of starting with each sequence, shape (clips, sequences).
    """
    own = whole.copy()
    for column, longer in nesting:
        own[:, column] = np.maximum(0.0, whole[:, column] - own[:, longer].sum(axis=1))
    return own


def nested(sequences: Sequence[Tokens]) -> Nesting:
    """The sequences that others continue, longest first, each with the columns of those others."""
    longest_first = sorted(range(len(sequences)), key=lambda column: -len(sequences[column]))
    found = ((column, _after(sequences[column], sequences)) for column in longest_first)
    return [(column, longer) for column, longer in found if longer]


def _after(start: Tokens, sequences: Sequence[Tokens]) -> list[int]:
    """Columns of the sequences that continue ``start``."""
    return [
        column for column, tokens in enumerate(sequences) if len(tokens) > len(start) and tokens[: len(start)] == start
    ]


def spellings(tokenizer: Any, label: str, spoken: Sequence[str]) -> tuple[Tokens, ...]:
    """How a label may be written: in three cases, with and without a space before it, where that is one token.

    A word that never is one token is taken as it stands and with a capital, after a space. The label itself counts
    as a spelling unless it holds no letter or digit.
    """
    found: dict[Tokens, None] = {}
    for word in dict.fromkeys((label, *spoken)):
        if not words(word):
            continue
        cases = dict.fromkeys((word, word.capitalize(), word.upper()))
        single = [
            tokens for case in cases for space in ("", " ") if len(tokens := _tokens(tokenizer, space + case)) == 1
        ]
        several = [_tokens(tokenizer, " " + case) for case in dict.fromkeys((word, word.capitalize()))]
        found.update(dict.fromkeys(single or several))
    if not found:
        raise BackendError(f"vocabulary: label {label!r} has no spelling with a letter or digit in it")
    return tuple(found)


def prompt_tokens(tokenizer: Any, vocabulary: Vocabulary) -> Tokens:
    """The vocabulary's words, each label's usual one, as text that came before; as many as Whisper reads."""
    earlier: Tokens = ()
    for label, spoken in vocabulary.items():
        word = _tokens(tokenizer, " " + (spoken[0] if spoken else label))
        if len(earlier) + len(word) > PROMPT_LIMIT:
            break
        earlier += word
    return (tokenizer.token_to_id("<|startofprev|>"), *earlier)


def _tokens(tokenizer: Any, text: str) -> Tokens:
    return tuple(tokenizer.encode(text, add_special_tokens=False).ids)

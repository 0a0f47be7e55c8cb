"""A closed choice put to Whisper's decoder: how probable is it that the text starts with each label's words?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.base import BackendError, Vocabulary
from backends.kit.text import words
from backends.whisper.encoder import frames

Tokens = tuple[int, ...]
Matrix = NDArray[np.float64]
Nesting = list[tuple[int, list[int]]]

PROMPT_LIMIT = 223
"""Tokens of earlier text that Whisper was trained to read."""
BATCH = 8
"""Most windows that are heard together: with more, a core's cache no longer holds them."""
ROWS = 16
"""Most beginnings of words that the decoder is given together, whatever they are and of whatever clip."""
LEAST = 1e-30
"""Probability below which a label does not fall: its logarithm is taken."""


@dataclass(frozen=True, slots=True)
class Path:
    """Tokens given to the decoder in one go, and the nodes read on the way: depth, columns of what goes on there."""

    tokens: Tokens
    nodes: list[tuple[int, list[int]]]


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
        self._paths = tree(self._sequences)
        self._nested = nested(self._sequences)

    def log_probabilities(self, states: Any) -> Matrix:
        """Encoder states (clips, frames, width) -> log probability of each label, shape (clips, labels)."""
        logs = np.zeros((states.shape[0], len(self._sequences)))
        rows = [(clip, path) for path in self._paths for clip in range(states.shape[0])]
        for start in range(0, len(rows), ROWS):
            batch = rows[start : start + ROWS]
            decoded = self._decode(take(states, [clip for clip, _ in batch]), [path.tokens for _, path in batch])
            for (clip, path), logits in zip(batch, decoded, strict=True):
                for depth, columns in path.nodes:
                    tokens = [self._sequences[column][depth] for column in columns]
                    logs[clip, columns] += log_shares(logits[depth], tokens)
        return np.log(np.maximum(exclusive(np.exp(logs), self._nested) @ self._member, LEAST))

    def _decode(self, states: Any, paths: Sequence[Tokens]) -> list[list[Any]]:
        """For each row the decoder's logits after the prompt and after each token of its path."""
        prompts = [[*self.prompt, *path] for path in paths]
        results = self._model.generate(
            states,
            prompts,
            beam_size=1,
            max_length=max(map(len, prompts)),  # of which the prompt is a part: one token more is generated anyway
            return_logits_vocab=True,
            suppress_blank=False,
            suppress_tokens=[],
        )
        return [result.logits[0] for result in results]


def tree(sequences: Sequence[Tokens]) -> list[Path]:
    """The sequences as a tree, walked along the fewest paths, short ones first; nobody needs to walk a last token."""
    inner = {tokens[:end] for tokens in sequences for end in range(len(tokens))}
    passed = {node[:end] for node in inner for end in range(len(node))}
    paths = [Path(node, []) for node in sorted(inner - passed, key=lambda node: (len(node), node))]
    through = {path.tokens[:depth]: path for path in paths for depth in range(len(path.tokens) + 1)}
    for node, path in through.items():
        path.nodes.append((len(node), _after(node, sequences)))
    return paths


def take(states: Any, clips: Sequence[int]) -> Any:
    """Encoder states of these clips, each as often as it is named."""
    if list(clips) == list(range(states.shape[0])):
        return states
    from ctranslate2 import StorageView

    return StorageView.from_array(frames(states)[list(clips)]).to(states.dtype)


def log_shares(logits: Any, tokens: Sequence[int]) -> Matrix:
    """Log probabilities of tokens among all that the logits are of."""
    values = np.array(logits, np.float32).ravel()
    values -= values.max()
    return np.asarray(values[list(tokens)] - np.log(np.exp(values).sum(dtype=np.float64)), np.float64)


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

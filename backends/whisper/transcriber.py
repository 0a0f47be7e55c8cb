"""Whisper's encoder on a window of a piece's own length, remembered silence behind it, and a decoder of several pieces.

What the encoder makes of silence is computed once, in a window of 30 s. A piece's own states are followed by those that
silence has at the positions that come next, so that the decoder sees the recording end, as in the 30 s that it was
trained on. Nearest published: a learned "hush word", Wang et al. 2024, WhisperFlow (arXiv 2412.11272).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from backends.base import Audio, BackendError
from backends.whisper import encoder
from backends.whisper.encoder import HOP, LIMIT, SAMPLE_RATE, Array, LogMel

FRAME = 2 * HOP
"""Samples of one encoder state."""
POSITIONS = LIMIT // FRAME
"""Most states that the decoder looks at."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard in one piece."""

    tokens: tuple[int, ...]
    text: str
    logprob: float
    """Mean log probability of the tokens, the end of the text among them."""
    no_speech: float
    """The model's own probability that nobody speaks."""


class Transcriber:
    """Weights in memory: samples -> states -> text."""

    def __init__(self, folder: Path, compute_type: str, language: str, decoder_threads: int = 0) -> None:
        """``folder``: of the weights. ``decoder_threads``: 0 for those allowed; with fewer than these the decoder has a
        copy of the weights of its own. Raises BackendError where they cannot be read or lack the language.
        """
        from tokenizers import Tokenizer

        self._model = encoder.load(folder, compute_type)
        fewer = 0 < decoder_threads < _threads()
        self._decoder = encoder.load(folder, compute_type, decoder_threads) if fewer else self._model
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        except Exception as error:  # the library raises nothing narrower
            raise BackendError(f"{folder / 'tokenizer.json'}: not a tokenizer: {error}") from error
        start = encoder.start_tokens(self._tokenizer, self._model.is_multilingual, language)
        self._start = [self._tokenizer.token_to_id(token) for token in start]
        self._log_mel = LogMel(self._model.n_mels)
        self._silence = self.encode(np.zeros(0, np.float32), LIMIT / SAMPLE_RATE)

    def encode(self, piece: Audio, margin_s: float) -> Array:
        """States (frames, width) of a piece and ``margin_s`` of zeros behind it, as far as 30 s go."""
        wanted = -(-(piece.size + round(margin_s * SAMPLE_RATE)) // FRAME) * FRAME
        window = np.zeros(min(max(wanted, FRAME), LIMIT), np.float32)
        window[: piece.size] = piece[: window.size]
        states: Array = encoder.frames(encoder.encode(self._model, self._log_mel(window[np.newaxis])))[0]
        return states

    def decode(self, pieces: Sequence[Array], silence: int, caps: Sequence[int]) -> list[Transcript]:
        """Transcripts of pieces, each with ``silence`` states of it behind, or more where another is longer.

        ``caps``: the most tokens of each.
        """
        from ctranslate2 import StorageView

        total = min(max(len(states) for states in pieces) + silence, POSITIONS)
        padded = np.stack([np.concatenate([states, self._silence[len(states) : total]]) for states in pieces])
        results = self._decoder.generate(
            StorageView.from_array(padded),
            [self._start] * len(pieces),
            beam_size=1,
            max_length=2 * max(caps),  # it stops at half of it
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [self._transcript(result, most) for result, most in zip(results, caps, strict=True)]

    def _transcript(self, result: Any, most: int) -> Transcript:
        tokens = tuple(result.sequences_ids[0])[:most]
        text = self._tokenizer.decode(tokens, skip_special_tokens=True).strip()
        length = len(result.sequences_ids[0])
        return Transcript(tokens, text, result.scores[0] * length / (length + 1), result.no_speech_prob)


def _threads() -> int:
    """Threads that CTranslate2 takes where it is not told: OpenMP's, at most 4."""
    return int(os.environ.get("OMP_NUM_THREADS") or min(4, os.cpu_count() or 1))

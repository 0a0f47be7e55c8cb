"""Digits and other words of the same recordings, with the times at which they are said: bench/rejection/words.csv.

``python -m benchmarks.words`` makes it anew in some ten minutes; it needs DIGITBENCH_DATA and Whisper base. The text of
each recording is aligned to its sound by the cross-attention of Whisper base (dynamic time warping, as faster-whisper's
word timestamps; a size that no backend measured on these words has). Kept are every digit, and of each recording
``OTHERS`` other words drawn by a seed. What sounds like a digit (to, for, won ...: spellings of the vocabulary that are
not a digit's own name) is neither.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from bench.audio import Audio
from bench.configfile import read_config
from bench.errors import BenchError
from bench.rejection.words import FILE, Word, write_words
from bench.workers.parent import ROOT
from benchmarks.speech import CORPORA, RATE, Utterance, data_folder, parts, transcribed

LONGEST_S = 29.0
OTHERS = 6
SHORTEST_WORD_S, LONGEST_WORD_S = 0.1, 1.5
SILENCE_S = 1.0
"""Kept after the recording's end in the encoder's window."""


def main() -> None:
    """Align every recording and write the list."""
    try:
        data = data_folder()
    except BenchError as error:
        sys.exit(f"error: {error}")
    vocabulary = read_config(ROOT / "bench.toml", {}).vocabulary
    digits = {spoken[0]: label for label, spoken in vocabulary.items()}
    homophones = {spelling for spoken in vocabulary.values() for spelling in spoken} - set(digits)
    align = Aligner()
    words: list[Word] = []
    for utterance, part in recordings(data):
        audio, path = utterance.audio(), utterance.path.relative_to(data).as_posix()
        if audio.size > LONGEST_S * RATE:
            continue
        aligned = [
            Word(path, utterance.corpus, part, word, digits.get(word, ""), start, end)
            for word, start, end in align(audio, utterance.text)
            if SHORTEST_WORD_S <= end - start <= LONGEST_WORD_S and word not in homophones
        ]
        others = [word for word in aligned if not word.label]
        generator = np.random.default_rng([0, len(words), len(others)])
        kept = set(generator.permutation(len(others))[:OTHERS].tolist())
        words += [word for word in aligned if word.label] + [word for row, word in enumerate(others) if row in kept]
    write_words(FILE, sorted(words, key=lambda word: (word.path, word.start)))


def recordings(data: Path) -> Iterator[tuple[Utterance, str]]:
    """Every utterance that has a part and a text, and its part."""
    known = parts(data)
    for corpus in CORPORA:
        for utterance in transcribed(data / corpus):
            if (part := known.get((corpus, utterance.id))) and utterance.text.strip():
                yield utterance, part


class Aligner:
    """Whisper base, which is told what was said and asks itself when."""

    def __init__(self) -> None:
        from faster_whisper import WhisperModel
        from faster_whisper.tokenizer import Tokenizer

        from backends.whisper import weights

        self._model: Any = WhisperModel(str(weights.fetch("base")), device="cpu", compute_type="int8", cpu_threads=1)
        self._tokenizer = Tokenizer(self._model.hf_tokenizer, True, task="transcribe", language="en")

    def __call__(self, audio: Audio, text: str) -> list[tuple[str, float, float]]:
        """Each word in small letters, with its first and last second. ``audio`` at 16 kHz."""
        padded = np.pad(audio, (0, round(SILENCE_S * RATE)))
        features = self._model.feature_extractor(padded, padding=0)
        features = features[:, : features.shape[1] // 2 * 2]
        tokens = self._tokenizer.encode(" " + " ".join(text.lower().split()))
        words = self._model.find_alignment(self._tokenizer, [tokens], self._model.encode(features), audio.size // 160)
        named = ((re.sub(r"[^a-z0-9' -]", "", each["word"]).strip(" -'"), each) for each in words[0])
        return [(name, float(each["start"]), float(each["end"])) for name, each in named if name]


if __name__ == "__main__":
    main()

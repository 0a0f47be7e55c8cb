"""PocketSphinx: hidden Markov models of phones, decoded along a grammar that holds the vocabulary and nothing else.

The acoustic model (US English, 16 kHz), the dictionary and a trigram model of English come with the wheel.
Huggins-Daines et al. 2006. The grammar asks for one phrase of the vocabulary with fillers (silence, noise) around it;
fillers alone are "no digit". Where any words may be said the trigram model takes the grammar's place, and nothing is
trimmed.

What lies before and after the word is trimmed by its energy, since the grammar must make a word of it. Every clip gets
0.1 s of silence either side, so that the silence models have somewhere to be, and its cepstral mean is
taken over that clip alone; the front end is made anew, so that nothing is carried from one clip to the next.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from backends.base import Audio, Backend, BackendError, Prediction, Vocabulary
from backends.kit.text import Words, words
from backends.whisper.encoder import trim

PADDING_S = 0.1
_FULL_SCALE = 32_767
_GRAMMAR = "vocabulary"


class PocketSphinx(Backend):
    """The wheel's US English model, along a grammar or, without a vocabulary, its trigrams. No scores: a decoder of one
    best path has none."""

    name: ClassVar[str] = "pocketsphinx"
    imports: ClassVar[tuple[str, ...]] = ("pocketsphinx",)

    def __init__(self, vocabulary: Vocabulary, variant: str = "", *, language: str = "en") -> None:
        """A label without spoken forms is spoken as it is written. Raises BackendError for another language."""
        super().__init__(vocabulary, variant)
        if language != "en":
            raise BackendError(f"{self.name} does not know language {language!r}: its wheel holds English alone")
        self._spoken: dict[Words, str] = {}
        self._decoder: Any = None

    def load(self) -> None:
        """Raises BackendError if the dictionary leaves a label without a word, or two labels share one."""
        import pocketsphinx

        model, dictionary = _model()
        try:
            words_of = None if self.vocabulary else str(_trigrams())
            decoder = pocketsphinx.Decoder(
                hmm=str(model), dict=str(dictionary), lm=words_of, cmn="batch", loglevel="FATAL"
            )
        except (RuntimeError, ValueError) as error:
            raise BackendError(f"{self.name}: cannot load {model} and {dictionary}: {error}") from error
        if self.vocabulary:
            self._spoken = _phrases(self.vocabulary, decoder)
            decoder.add_fsg(_GRAMMAR, decoder.create_fsg(_GRAMMAR, 0, 1, _transitions(list(self._spoken))))
            decoder.activate_search(_GRAMMAR)
        self._decoder = decoder

    def predict(self, audio: Audio) -> Prediction:
        samples = np.round(_FULL_SCALE * np.clip(trim(audio) if self.vocabulary else audio, -1, 1)).astype("<i2")
        if not samples.size or samples.min() == samples.max():  # where all models fit alike, any word may win
            return Prediction(None, text="")
        padded = np.pad(samples, round(PADDING_S * self.sample_rate))
        self._decoder.reinit_feat()  # else the front end's state after earlier clips shifts the scores of this one
        self._decoder.start_utt()
        self._decoder.process_raw(padded.tobytes(), full_utt=True)
        self._decoder.end_utt()
        heard = self._decoder.hyp()
        text = heard.hypstr if heard else ""
        return Prediction(self._spoken.get(tuple(text.split())), text=text)

    def artifacts(self) -> list[Path]:
        """The acoustic model's files, the dictionary, and the trigrams where they are used."""
        model, dictionary = _model()
        files = sorted(path for path in model.iterdir() if path.name != "README")
        return [*files, dictionary] if self.vocabulary else [*files, dictionary, _trigrams()]

    def settings(self) -> dict[str, str | int | float | bool]:
        settings: dict[str, str | int | float | bool] = {"model": "en-us", "cmn": "batch", "padding_s": PADDING_S}
        if not self.vocabulary:
            settings["words"] = "trigrams"
        if self._spoken:
            settings["grammar"] = " | ".join(map(" ".join, self._spoken))
        return settings


def _model() -> tuple[Path, Path]:
    """The wheel's acoustic model, a folder, and its dictionary."""
    import pocketsphinx

    root = Path(pocketsphinx.get_model_path("en-us"))
    model, dictionary = root / "en-us", root / "cmudict-en-us.dict"
    if not (model.is_dir() and dictionary.is_file()):
        raise BackendError(f"{root}: no US English model there; reinstall pocketsphinx, or unset POCKETSPHINX_PATH")
    return model, dictionary


def _trigrams() -> Path:
    """The wheel's model of English."""
    path = _model()[0].parent / "en-us.lm.bin"
    if not path.is_file():
        raise BackendError(
            f"{path}: no model of English words there; reinstall pocketsphinx, or unset POCKETSPHINX_PATH"
        )
    return path


def _phrases(vocabulary: Vocabulary, decoder: Any) -> dict[Words, str]:
    """Phrase -> label, of all phrases whose every word is in the dictionary.

    A phrase that sounds like an earlier one of its label is left out: "to" would add to "two" only its unstressed
    forms, which nobody says alone.
    """
    spoken: dict[Words, str] = {}
    for label, variants in vocabulary.items():
        phrases = [words(variant) for variant in variants or (label,)]
        sounds: set[tuple[str, ...]] = set()
        for phrase in phrases:
            phones = tuple(decoder.lookup_word(word) or "" for word in phrase)
            if not phrase or not all(phones) or phones in sounds:
                continue
            sounds.add(phones)
            if (other := spoken.setdefault(phrase, label)) != label:
                raise BackendError(f"vocabulary: {' '.join(phrase)!r} is spoken for {other!r} and for {label!r}")
        if not sounds:
            missing = ", ".join(repr(word) for phrase in phrases for word in phrase if not decoder.lookup_word(word))
            raise BackendError(
                f"vocabulary: label {label!r} cannot be heard: pocketsphinx's dictionary has no "
                f"{missing or 'such word'}; spell it in English words"
            )
    return spoken


def _transitions(phrases: list[Words]) -> list[tuple[int, int, float, str]]:
    """Edges (from, to, probability, word) of a grammar that goes from state 0 to 1 along any phrase."""
    edges, states = [], 2
    for phrase in phrases:
        path = [0, *range(states, states + len(phrase) - 1), 1]
        states += len(phrase) - 1
        for start, end, word in zip(path, path[1:], phrase, strict=False):
            edges.append((start, end, 1.0 if start else 1 / len(phrases), word))
    return edges

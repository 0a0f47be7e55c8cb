"""Whisper that transcribes on a window of the clip's own length, with remembered silence behind it.

Clip -> cut at pauses into pieces of at most 28 s (:mod:`backends.whisper.pieces`) -> those in which somebody may speak
(:mod:`sound.activity`) -> each encoded by itself in a window
of its length and ``margin_s`` more, states of silence put behind, several decoded together
(:mod:`backends.whisper.transcriber`). A transcript that bears a sign of failure (:mod:`backends.whisper.guard`) is made
again: one that ends too early in shorter pieces, others with more silence, at last in stock Whisper's 30 s. All that
counts in the time and in the facts. What the model itself takes for silence is no text.

A window that is cut short makes another machine of Whisper than the stock one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np

from backends.base import Audio, Backend, BackendError, Prediction, Source, Vocabulary
from backends.whisper import encoder, guard, weights
from backends.whisper.ctranslate2_file import read, whisper_parameters
from backends.whisper.encoder import LIMIT, SAMPLE_RATE, Array
from backends.whisper.pieces import pieces
from backends.whisper.transcriber import FRAME, POSITIONS, Transcriber, Transcript
from sound.activity import Detector, detectors
from sound.compress import spoken

LONGEST_S = 28.0
"""Of a piece."""
PHRASE_S = 6.0
"""Of what a piece is cut into whose text is too short: the decoder took a pause for the end."""
MOST_TOGETHER = 64
"""Pieces that the decoder is given at once."""
MOST_TOKENS = 224
"""That Whisper was trained to write for 30 s."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What was heard in a piece in the end, and what all attempts at it took."""

    transcript: Transcript
    encoder_tokens: int
    decoder_tokens: int
    retries: int = 0


class WhisperShort(Backend):
    """The variant is the size of Whisper, or any name if ``model`` gives the folder of its weights."""

    name: ClassVar[str] = "whisper-short"
    variants: ClassVar[tuple[str, ...]] = ("tiny.en", "base")
    imports: ClassVar[tuple[str, ...]] = ("ctranslate2", "tokenizers")

    def __init__(
        self,
        vocabulary: Vocabulary,
        variant: str = "",
        *,
        compute_type: str = "int8",
        language: str = "en",
        margin_s: float = 1.0,
        states: int = 400,
        cap: bool = True,
        guarded: bool = True,
        redo_below: float | None = None,
        gate: bool = True,
        batch: int = 8,
        decoder_threads: int = 1,
        model: str | Path | None = None,
    ) -> None:
        """``compute_type``: CTranslate2's number format. ``margin_s``: silence that the encoder hears behind a piece;
        ``states``: of silence remembered behind that. ``cap``: no more tokens than speech of that length can have.
        ``guarded``: what bears a sign of failure is made again, and with ``redo_below`` what has a mean log probability
        below that. ``gate``: without speech there are no words. ``batch``: pieces decoded together.
        ``decoder_threads``: at most; a step of the decoder is too little work for two. 0: as many as the encoder has.

        Raises BackendError for an unknown size or an impossible option.
        """
        super().__init__(vocabulary, variant)
        self._bounded("margin_s", margin_s, 0, LIMIT / SAMPLE_RATE, float)
        self._bounded("states", states, 0, POSITIONS, int)
        self._bounded("batch", batch, 1, MOST_TOGETHER, int)
        self._bounded("decoder_threads", decoder_threads, 0, MOST_TOGETHER, int)
        if redo_below is not None:
            self._bounded("redo_below", redo_below, -100, 0, float)
        if model is None:
            weights.repository(variant)
        self.compute_type, self.language = compute_type, language
        self.margin_s, self.states, self.batch, self.decoder_threads = margin_s, states, batch, decoder_threads
        self.cap, self.guarded, self.redo_below, self.gate = cap, guarded, redo_below, gate
        self._given = None if model is None else Path(model)
        self._folder: Path | None = None
        self._transcriber: Transcriber | None = None
        self._detector: Detector | None = None

    def prepare(self) -> None:
        self._folder = weights.fetch(self.variant, self._given)

    def load(self) -> None:
        self._transcriber = Transcriber(self._weights(), self.compute_type, self.language, self.decoder_threads)
        self._detector = detectors()() if self.gate else None

    def predict(self, audio: Audio) -> Prediction:
        return self.predict_batch([audio])[0]

    def predict_batch(self, audios: Sequence[Audio]) -> list[Prediction]:
        """As :meth:`predict`; pieces of like length share the decoder, with as much silence as the longest has."""
        cut: list[tuple[int, Audio]] = []
        for clip, audio in enumerate(audios):
            encoder.check(audio)
            cut += [(clip, piece) for piece in pieces(audio, SAMPLE_RATE, LONGEST_S) if self._speaks(piece)]
        hypotheses: dict[int, Hypothesis] = {}
        by_length = sorted(range(len(cut)), key=lambda row: cut[row][1].size)
        for start in range(0, len(cut), self.batch):
            rows = by_length[start : start + self.batch]
            hypotheses |= dict(zip(rows, self._hear([cut[row][1] for row in rows]), strict=True))
        by_clip: list[list[Hypothesis]] = [[] for _ in audios]
        for row, (clip, _) in enumerate(cut):
            by_clip[clip].append(hypotheses[row])
        return [_prediction(pieces, audio) for pieces, audio in zip(by_clip, audios, strict=True)]

    def artifacts(self) -> list[Path]:
        return weights.model_files(self._weights())

    def sources(self) -> list[Source]:
        return weights.locations(self.variant, self._given)

    def parameters(self) -> int:
        return whisper_parameters(read(self._weights() / "model.bin"))

    def settings(self) -> dict[str, str | int | float | bool]:
        shown = ("compute_type", "language", "margin_s", "states", "cap", "guarded", "batch", "decoder_threads")
        redo = {} if self.redo_below is None else {"redo_below": self.redo_below}
        gate = {"gate": self._detector.name if self._detector else self.gate}
        return {name: getattr(self, name) for name in shown} | redo | gate

    def _speaks(self, piece: Audio) -> bool:
        return self._detector is None or spoken(piece, SAMPLE_RATE, self._detector)

    def _hear(self, cut: Sequence[Audio]) -> list[Hypothesis]:
        """Pieces together, and those by themselves again that bear a sign of failure."""
        if self._transcriber is None:
            raise BackendError(f"{self.name}: load it before it predicts")
        states = [self._transcriber.encode(piece, self.margin_s) for piece in cut]
        most = [self._most_tokens(piece) for piece in cut]
        first = self._transcriber.decode(states, self.states, most)
        return [self._settled(self._transcriber, *each) for each in zip(cut, states, most, first, strict=True)]

    def _settled(
        self, transcriber: Transcriber, piece: Audio, states: Array, most: int, transcript: Transcript
    ) -> Hypothesis:
        """The transcript if it bears no sign of failure, else a better one."""
        hypothesis = Hypothesis(self._gated(transcript), len(states), len(transcript.tokens) + 1)
        sign = self._sign(transcript, piece, most)
        if sign == guard.TOO_SHORT and piece.size > PHRASE_S * SAMPLE_RATE:
            phrases = [phrase for phrase in pieces(piece, SAMPLE_RATE, PHRASE_S) if self._speaks(phrase)]
            parts = self._hear(phrases) if phrases else []
            return _added(hypothesis, parts, _joined([part.transcript for part in parts] or [hypothesis.transcript]))
        if sign and len(states) + self.states < POSITIONS:
            [transcript] = transcriber.decode([states], POSITIONS, [most])
            hypothesis = _added(
                hypothesis, [Hypothesis(transcript, 0, len(transcript.tokens) + 1)], self._gated(transcript)
            )
            sign = self._sign(transcript, piece, most)
        if sign:
            [transcript] = transcriber.decode([transcriber.encode(piece, LIMIT / SAMPLE_RATE)], 0, [most])
            hypothesis = _added(
                hypothesis, [Hypothesis(transcript, POSITIONS, len(transcript.tokens) + 1)], self._gated(transcript)
            )
        return hypothesis

    def _gated(self, transcript: Transcript) -> Transcript:
        """Without its words, if the model itself says that nobody spoke."""
        silent = self.gate and guard.nobody(transcript.no_speech, transcript.logprob)
        return replace(transcript, text="") if silent else transcript

    def _most_tokens(self, piece: Audio) -> int:
        return min(guard.cap(piece.size / SAMPLE_RATE), MOST_TOKENS) if self.cap else MOST_TOKENS

    def _sign(self, transcript: Transcript, piece: Audio, most: int) -> str:
        if not self.guarded:
            return ""
        if self.redo_below is not None and transcript.logprob < self.redo_below:
            return "unsure"
        return guard.sign(transcript.tokens, transcript.text, most, guard.loud_s(piece, SAMPLE_RATE))

    def _bounded(self, option: str, value: float, least: float, most: float, kind: type) -> None:
        """Raises BackendError unless the option's value is a number of that kind, from ``least`` to ``most``."""
        if isinstance(value, bool) or not isinstance(value, int | kind) or not least <= value <= most:
            what = "a whole number" if kind is int else "a number"
            raise BackendError(f"{self.name}: {option} must be {what} from {least:g} to {most:g}, not {value!r}")

    def _weights(self) -> Path:
        if self._folder is None:
            self._folder = weights.find(self.variant, self._given, verify=False)
        return self._folder


def _added(hypothesis: Hypothesis, attempts: Sequence[Hypothesis], transcript: Transcript) -> Hypothesis:
    """The work of further attempts on top of one, and the transcript that came of them."""
    return Hypothesis(
        transcript,
        hypothesis.encoder_tokens + sum(each.encoder_tokens for each in attempts),
        hypothesis.decoder_tokens + sum(each.decoder_tokens for each in attempts),
        hypothesis.retries + sum(1 + each.retries for each in attempts),
    )


def _joined(transcripts: Sequence[Transcript]) -> Transcript:
    """Of pieces that follow each other; somebody speaks where somebody speaks in one."""
    steps = [len(each.tokens) + 1 for each in transcripts]
    return Transcript(
        tuple(token for each in transcripts for token in each.tokens),
        " ".join(each.text for each in transcripts if each.text),
        float(np.average([each.logprob for each in transcripts], weights=steps)),
        min(each.no_speech for each in transcripts),
    )


def _prediction(pieces: Sequence[Hypothesis], audio: Audio) -> Prediction:
    """Of all pieces of a clip in which somebody may speak."""
    facts: dict[str, float] = {
        "encoder_tokens": sum(heard.encoder_tokens for heard in pieces),
        "clip_tokens": round(audio.size / FRAME),
        "decoder_tokens": sum(heard.decoder_tokens for heard in pieces),
        "retries": sum(heard.retries for heard in pieces),
    }
    if not pieces:
        return Prediction(text="", facts=facts)
    whole = _joined([heard.transcript for heard in pieces])
    return Prediction(text=whole.text, facts=facts | {"avg_logprob": whole.logprob, "no_speech": whole.no_speech})

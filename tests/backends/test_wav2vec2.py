"""The wav2vec2 backend on a tiny model of that architecture with random weights: what it says means nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.base import BackendError
from backends.wav2vec2 import LEAST, OVERLAP_S, WINDOW_S, Wav2Vec2, windows

RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights in the form that the hub has them."""
    transformers = pytest.importorskip("transformers")
    import torch

    made = tmp_path_factory.mktemp("wav2vec2")
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'"]
    (made / "vocab.json").write_text(json.dumps({letter: number for number, letter in enumerate(letters)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(made / "vocab.json"))
    extractor = transformers.Wav2Vec2FeatureExtractor(sampling_rate=RATE, do_normalize=True)
    transformers.Wav2Vec2Processor(extractor, tokenizer).save_pretrained(made)
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        conv_dim=(16,) * 7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2, ctc_loss_reduction="mean",
    )  # fmt: skip
    transformers.Wav2Vec2ForCTC(config).save_pretrained(made, safe_serialization=True)
    return made


@pytest.fixture(scope="module")
def backend(folder: Path) -> Wav2Vec2:
    made = Wav2Vec2({}, "tiny", model=folder)
    made.prepare()
    made.load()
    return made


def noise(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (0.1 * np.random.default_rng(1).standard_normal(round(seconds * RATE))).astype(np.float32)


def test_a_clip_becomes_letters_and_facts(backend: Wav2Vec2) -> None:
    prediction = backend.predict(noise(2.0))
    assert prediction == backend.predict(noise(2.0))
    assert prediction.text is not None and prediction.text == prediction.text.strip()
    assert prediction.facts is not None
    assert prediction.facts["encoder_tokens"] == 99 and prediction.facts["clip_tokens"] == 100
    assert prediction.facts["avg_logprob"] < 0


def test_it_is_what_transformers_own_pipeline_says(backend: Wav2Vec2, folder: Path) -> None:
    transformers = pytest.importorskip("transformers")
    recogniser = transformers.pipeline("automatic-speech-recognition", model=str(folder))
    audio = noise(3.0)
    assert backend.predict(audio).text == recogniser({"raw": audio, "sampling_rate": RATE})["text"].strip()


@pytest.mark.parametrize("samples", [0, 1, LEAST - 1])
def test_a_clip_too_short_says_nothing(backend: Wav2Vec2, samples: int) -> None:
    assert backend.predict(np.zeros(samples, np.float32)).text == ""


def test_a_long_clip_is_heard_in_windows(backend: Wav2Vec2) -> None:
    prediction = backend.predict(noise(40.0))
    assert prediction.facts is not None and prediction.facts["clip_tokens"] == 2_000
    assert 2_000 < prediction.facts["encoder_tokens"] < 2_500


@given(st.integers(1, round(130 * RATE)))
def test_windows_hold_every_sample_once(samples: int) -> None:
    audio = np.arange(samples, dtype=np.float32)
    kept = [window[before : len(window) - after] for window, before, after in windows(audio, RATE)]
    assert np.array_equal(np.concatenate(kept), audio)
    assert all(len(window) <= WINDOW_S * RATE + LEAST for window, _, _ in windows(audio, RATE))
    assert all(before in (0, OVERLAP_S * RATE) for _, before, _ in windows(audio, RATE))


def test_what_the_tables_say(backend: Wav2Vec2, folder: Path) -> None:
    assert {path.name for path in backend.artifacts()} >= {"config.json", "model.safetensors", "vocab.json"}
    assert (backend.parameters() or 0) > 10_000
    assert backend.settings() == {"decoding": "greedy", "window_s": 30.0, "language": "en", "device": "cpu"}
    assert backend.sources()[0].where == str(folder)


def test_what_cannot_be_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="no size 'huge'"):
        Wav2Vec2({}, "huge")
    with pytest.raises(BackendError, match="does not know language 'de'"):
        Wav2Vec2({}, "base-960h", language="de")
    with pytest.raises(BackendError, match="device must be cpu or cuda"):
        Wav2Vec2({}, "base-960h", device="tpu")
    with pytest.raises(BackendError, match=r"config.json is missing"):
        Wav2Vec2({}, "x", model=tmp_path).load()
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(BackendError, match="cannot load"):
        Wav2Vec2({}, "x", model=tmp_path).load()


def test_no_gpu_is_said(folder: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(BackendError, match="sees no GPU of CUDA here"):
        Wav2Vec2({}, "x", model=folder, device="cuda").load()

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from backends.base import Audio, BackendError, Clip
from backends.chance import Chance
from backends.lite.backend import MfccLite
from tests.conftest import tone

pytest.importorskip("onnx", reason="needs the package onnx")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the package onnxruntime")

VOCABULARY = {"low": ["low"], "never": ["never"], "high": ["high"]}


@pytest.fixture(scope="module")
def backend() -> MfccLite:
    return fitted(
        MfccLite(VOCABULARY, augment=False),
        [Clip(tone(hertz, seed=take), label) for label, hertz in (("low", 300), ("high", 900)) for take in range(5)],
    )


def fitted(backend: MfccLite, clips: list[Clip]) -> MfccLite:
    """A fit of a second: both sides are to agree, however little was learnt."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("backends.lite.backend.PASSES", 12)
        patch.setattr("backends.lite.backend.LEAST_STEPS", 12)
        backend.fit(clips)
    return backend


@pytest.fixture(scope="module")
def exported(backend: MfccLite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("onnx")
    backend.export(folder / "model.onnx")
    return folder / "model.onnx"


def agree(backend: MfccLite, exported: Path, clips: list[Audio]) -> None:
    session = onnxruntime.InferenceSession(exported)
    labels = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
    assert labels == list(backend.labels)
    for audio in clips:
        (scores,) = session.run(["scores"], {"audio": audio})
        prediction = backend.predict(audio)
        assert labels[scores.argmax()] == prediction.label
        np.testing.assert_allclose(scores, list((prediction.scores or {}).values()), atol=1e-5)


def test_runtime_and_backend_agree(backend: MfccLite, exported: Path) -> None:
    generator = np.random.default_rng(0)
    lengths = [1, 2, 79, 80, 81, 199, 200, 201, 800, *generator.integers(1, 20_000, 40).tolist()]
    noise = [generator.standard_normal(length).astype(np.float32) for length in lengths]
    words = [np.concatenate([np.zeros(3_000, np.float32), tone(hertz)]) for hertz in (200, 300, 600, 900, 2_000)]
    agree(backend, exported, [*noise, *words])


def test_runtime_and_backend_agree_on_silence(backend: MfccLite, exported: Path) -> None:
    agree(backend, exported, [np.full(samples, level, np.float32) for samples in (1, 300, 8_000) for level in (0, 0.5)])


def test_runtime_and_backend_agree_on_recordings(data: Path, tmp_path: Path) -> None:
    paths = sorted((data / "fsdd" / "recordings").glob("*_[0-4].wav"))
    clips = [Clip(soundfile.read(path, dtype="float32")[0], path.name[0], path.name.split("_")[1]) for path in paths]
    backend = fitted(MfccLite({str(digit): [] for digit in range(10)}, augment=False), clips)
    backend.export(tmp_path / "model.onnx")
    agree(backend, tmp_path / "model.onnx", [clip.audio for clip in clips])


def test_what_was_not_fitted_or_has_no_export_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="fit or restore"):
        MfccLite(VOCABULARY).export(tmp_path / "out")
    with pytest.raises(BackendError, match="chance cannot be exported; mfcc-lite can"):
        Chance(VOCABULARY).export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_export_is_the_same_bytes_again(backend: MfccLite, exported: Path, tmp_path: Path) -> None:
    backend.save(tmp_path / "model")
    restored = MfccLite(VOCABULARY)
    restored.restore(tmp_path / "model")
    restored.export(tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == exported.read_bytes()

"""The reader against CTranslate2's own writer, and Whisper's layout on a small model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from backends.base import BackendError
from backends.whisper.ctranslate2_file import read, whisper_dimensions, whisper_parameters, whisper_state
from tests.backends.whisper.ctranslate2_models import tiny_whisper, write

ARRAYS = st.sampled_from(["f4", "f2", "i1", "i2", "i4"]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, max_side=4))
)


@given(tensors=st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), ARRAYS, max_size=5))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_reads_what_the_engine_writes(tmp_path: Path, tensors: dict[str, Any]) -> None:
    base = pytest.importorskip("ctranslate2.specs.model_spec").ModelSpec
    spec = type("Spec", (base,), {"name": "AnySpec", "revision": 7})()
    spec.__dict__.update({f"tensor_{name}": tensor for name, tensor in tensors.items()})
    spec.validate()
    spec.save(str(tmp_path))
    model = read(tmp_path / "model.bin")
    assert (model.spec, model.revision, set(model.tensors)) == ("AnySpec", 7, {f"tensor_{name}" for name in tensors})
    for name, tensor in tensors.items():
        read_back = model.tensors[f"tensor_{name}"]
        assert read_back.dtype == tensor.dtype
        np.testing.assert_array_equal(read_back, tensor)


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    values = np.array([1.0, -2.5, 0.0078125], "f4")
    path = write(tmp_path / "model.bin", {"x": (values.view("u4") >> 16).astype("u2")}, bfloat16=True)
    np.testing.assert_array_equal(read(path).tensors["x"], values)


@pytest.mark.parametrize("cut", [0, 3, 20, 200, -1])
def test_a_truncated_file_is_an_error(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path / "model.bin", tiny_whisper())
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BackendError, match=r"model\.bin"):
        read(path)


@pytest.mark.parametrize("data", [b"RIFF" * 9, b"\x05\0\0\0", bytes(64)])
def test_another_format_is_an_error(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(data)
    with pytest.raises(BackendError, match="binary version 6"):
        read(path)


@given(data=st.data())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_damaged_file_is_an_error_or_another_model(tmp_path: Path, data: st.DataObject) -> None:
    path = write(tmp_path / "model.bin", {"x": np.ones((2, 3), "f4"), "y": np.array(2, "i2")})
    damaged = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(damaged)
    try:
        read(path)
    except BackendError as error:
        assert str(path) in str(error)


def test_bytes_too_many_and_no_file_are_errors(tmp_path: Path) -> None:
    path = write(tmp_path / "model.bin", tiny_whisper())
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(BackendError, match="1 bytes too many"):
        read(path)
    with pytest.raises(BackendError, match=r"none\.bin"):
        read(tmp_path / "none.bin")


def test_whisper_gets_its_names_and_sizes(tmp_path: Path) -> None:
    tensors = tiny_whisper()
    model = read(write(tmp_path / "model.bin", tensors))
    assert whisper_dimensions(model) == {
        "n_mels": 80,
        "n_audio_ctx": 1500,
        "n_audio_state": 8,
        "n_audio_head": 2,
        "n_audio_layer": 1,
        "n_vocab": 20,
        "n_text_ctx": 6,
        "n_text_state": 8,
        "n_text_head": 2,
        "n_text_layer": 1,
    }
    state = whisper_state(model)
    fused = tensors["encoder/layer_0/self_attention/linear_0/weight"]
    parts = [state[f"encoder.blocks.0.attn.{part}.weight"] for part in ("query", "key", "value")]
    np.testing.assert_array_equal(np.concatenate(parts), fused)
    assert "encoder.blocks.0.attn.key.bias" not in state
    assert "decoder.blocks.0.cross_attn.key.bias" not in state


def test_parameters_are_those_of_the_torch_model(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    whisper = pytest.importorskip("whisper.model")
    model = read(write(tmp_path / "model.bin", tiny_whisper()))
    twin = whisper.Whisper(whisper.ModelDimensions(**whisper_dimensions(model)))
    assert whisper_parameters(model) == sum(tensor.numel() for tensor in twin.parameters())
    assert set(whisper_state(model)) == set(twin.state_dict())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"decoder/layer_0/self_attention/linear_9/weight": np.ones((2, 2), "f4")}, "linear_9/weight' has no place"),
        ({"encoder/conv3/weight": np.ones((2, 2), "f4")}, "conv3/weight' has no place"),
        ({"encoder/layer_0/ffn/linear_0/weight": np.ones((32, 8), "i1")}, "int8"),
        ({"encoder/layer_0/self_attention/linear_0/bias": np.ones(24, "f4")}, "key bias"),
        ({"encoder/layer_0/self_attention/linear_0/bias": np.ones(25, "f4")}, "cut into 3"),
    ],
)
def test_tensors_without_a_place_are_errors(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    model = read(write(tmp_path / "model.bin", tiny_whisper() | change))
    with pytest.raises(BackendError, match=message):
        whisper_state(model)


def test_other_architectures_are_errors(tmp_path: Path) -> None:
    model = read(write(tmp_path / "model.bin", {"x": np.ones(3, "f4")}, spec="TransformerSpec"))
    with pytest.raises(BackendError, match="TransformerSpec"):
        whisper_state(model)
    with pytest.raises(BackendError, match="conv1"):
        whisper_dimensions(model)

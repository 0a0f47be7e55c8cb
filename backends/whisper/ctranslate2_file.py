"""Reads Whisper weights in CTranslate2 form without its engine.

``model.bin`` of binary version 6, little endian, strings as uint16 length (with the final zero byte) and bytes:
version, spec name, revision, count; then per tensor name, rank, uint32 dimensions, type, bytes, data; then pairs of
alias and name. The writer is ``ctranslate2/specs/model_spec.py``, the layout of names ``whisper_spec.py`` beside it.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.base import BackendError

Tensor = NDArray[Any]

VERSION = 6
BFLOAT16 = 5
TYPES = tuple(np.dtype(name) for name in ("<f4", "i1", "<i2", "<i4", "<f2", "<u2"))  # by type id; bfloat16 has no dtype


@dataclass(frozen=True, slots=True)
class Model:
    """What a ``model.bin`` holds. Tensors are read-only views of the file, so only those used are read."""

    spec: str
    revision: int
    tensors: Mapping[str, Tensor]
    aliases: Mapping[str, str]


def read(path: Path) -> Model:
    """Read a ``model.bin``. Raises BackendError if it is missing, truncated, or not of this format."""
    try:
        with path.open("rb") as file:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _parse(data)
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise BackendError(f"{path}: not a whole CTranslate2 model of binary version {VERSION} ({error})") from error


def whisper_state(model: Model) -> dict[str, Tensor]:
    """Tensors under the names that openai-whisper gives them, fused attention projections taken apart.

    Raises BackendError for another architecture, for quantised weights and for a tensor that has no place in Whisper.
    """
    if model.spec != "WhisperSpec":
        raise BackendError(f"the weights are of a {model.spec}, not of a Whisper")
    state: dict[str, Tensor] = {}
    for name, tensor in model.tensors.items():
        if tensor.ndim:
            state.update(_renamed(name, tensor))
    tied = model.aliases.get("decoder/projection/weight") == "decoder/embeddings/weight"
    if not tied or len(model.aliases) > 1:
        raise BackendError("the weights share tensors in a way that openai-whisper does not know")
    return state


def whisper_dimensions(model: Model) -> dict[str, int]:
    """Sizes under the names of ``whisper.model.ModelDimensions``. Raises BackendError if a tensor is missing."""
    tensors = model.tensors
    try:
        state, mels, _ = tensors["encoder/conv1/weight"].shape
        vocabulary, text_state = tensors["decoder/embeddings/weight"].shape
        return {
            "n_mels": mels,
            "n_audio_ctx": len(tensors["encoder/position_encodings/encodings"]),
            "n_audio_state": state,
            "n_audio_head": int(tensors["encoder/num_heads"]),
            "n_audio_layer": _layers(tensors, "encoder"),
            "n_vocab": vocabulary,
            "n_text_ctx": len(tensors["decoder/position_encodings/encodings"]),
            "n_text_state": text_state,
            "n_text_head": int(tensors["decoder/num_heads"]),
            "n_text_layer": _layers(tensors, "decoder"),
        }
    except (KeyError, ValueError, TypeError) as error:
        raise BackendError(f"the weights are not those of a Whisper ({error})") from error


def whisper_parameters(model: Model) -> int:
    """Learned numbers of a Whisper: all but the encoder's positions, which are sinusoids. Raises as whisper_state."""
    return sum(tensor.size for name, tensor in whisper_state(model).items() if name != "encoder.positional_embedding")


def _parse(data: mmap.mmap) -> Model:
    position = 0

    def take(form: str) -> tuple[Any, ...]:
        nonlocal position
        values = struct.unpack_from(form, data, position)
        position += struct.calcsize(form)
        return values

    def string() -> str:
        raw: bytes = take(f"<{take('<H')[0]}s")[0]
        return raw[:-1].decode()

    (version,) = take("<I")
    if version != VERSION:
        raise ValueError(f"binary version {version}")
    spec = string()
    revision, count = take("<II")
    tensors: dict[str, Tensor] = {}
    for _ in range(count):
        name = string()
        shape = take(f"<{take('<B')[0]}I")
        kind, size = take("<BI")
        flat = np.frombuffer(data, TYPES[kind], size // TYPES[kind].itemsize, position)
        if kind == BFLOAT16:
            flat = (flat.astype("<u4") << 16).view("<f4")
        tensors[name] = flat.reshape(shape)
        position += size
    aliases = {string(): string() for _ in range(take("<I")[0])}
    if position != len(data):
        raise ValueError(f"{len(data) - position} bytes too many")
    return Model(spec, revision, tensors, aliases)


_TOP = {
    "encoder/conv1": "encoder.conv1",
    "encoder/conv2": "encoder.conv2",
    "encoder/layer_norm": "encoder.ln_post",
    "decoder/embeddings": "decoder.token_embedding",
    "decoder/layer_norm": "decoder.ln",
}
_IN_LAYER = {
    "self_attention/layer_norm": ("attn_ln",),
    "self_attention/linear_0": ("attn.query", "attn.key", "attn.value"),
    "self_attention/linear_1": ("attn.out",),
    "attention/layer_norm": ("cross_attn_ln",),
    "attention/linear_0": ("cross_attn.query",),
    "attention/linear_1": ("cross_attn.key", "cross_attn.value"),
    "attention/linear_2": ("cross_attn.out",),
    "ffn/layer_norm": ("mlp_ln",),
    "ffn/linear_0": ("mlp.0",),
    "ffn/linear_1": ("mlp.2",),
}
_ATTRIBUTE = {"weight": "weight", "bias": "bias", "gamma": "weight", "beta": "bias"}
_LAYER = re.compile(r"(encoder|decoder)/layer_(\d+)/(.+)")


def _renamed(name: str, tensor: Tensor) -> dict[str, Tensor]:
    if not np.issubdtype(tensor.dtype, np.floating):
        raise BackendError(f"{name} is stored as {tensor.dtype}: convert unquantised weights (float16 or float32)")
    module, _, attribute = name.rpartition("/")
    if name.endswith("/position_encodings/encodings"):
        return {name.replace("/position_encodings/encodings", ".positional_embedding"): tensor}
    targets = _targets(module)
    if not targets or attribute not in _ATTRIBUTE:
        raise BackendError(f"tensor {name!r} has no place in openai-whisper")
    if len(tensor) % len(targets):
        raise BackendError(f"tensor {name!r} of shape {tensor.shape} cannot be cut into {len(targets)}")
    parts = np.split(tensor, len(targets))
    state = {f"{target}.{_ATTRIBUTE[attribute]}": part for target, part in zip(targets, parts, strict=True)}
    for key in [key for key in state if key.endswith(".key.bias")]:
        if state.pop(key).any():
            raise BackendError(f"tensor {name!r} has a key bias, which openai-whisper has not")
    return state


def _targets(module: str) -> tuple[str, ...]:
    if match := _LAYER.fullmatch(module):
        side, layer, part = match.groups()
        return tuple(f"{side}.blocks.{layer}.{target}" for target in _IN_LAYER.get(part, ()))
    return (_TOP[module],) if module in _TOP else ()


def _layers(tensors: Mapping[str, Tensor], side: str) -> int:
    return len({match[2] for name in tensors if (match := _LAYER.fullmatch(name)) and match[1] == side})

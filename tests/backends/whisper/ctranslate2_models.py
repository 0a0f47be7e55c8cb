"""Small models in CTranslate2 form, written byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPE_IDS = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}


def write(
    path: Path, tensors: Mapping[str, NDArray[Any]], spec: str = "WhisperSpec", *, bfloat16: bool = False
) -> Path:
    """Write a ``model.bin`` of binary version 6; ``bfloat16``: uint16 tensors are such."""
    aliases = {"decoder/projection/weight": "decoder/embeddings/weight"}
    data = struct.pack("<I", 6) + _string(spec) + struct.pack("<II", 3, len(tensors))
    for name, tensor in tensors.items():
        kind = 5 if bfloat16 else TYPE_IDS[tensor.dtype.name]
        data += _string(name) + struct.pack(f"<B{tensor.ndim}I", tensor.ndim, *tensor.shape)
        data += struct.pack("<BI", kind, tensor.nbytes) + tensor.tobytes()
    data += struct.pack("<I", len(aliases)) + b"".join(map(_string, (x for pair in aliases.items() for x in pair)))
    path.write_bytes(data)
    return path


def tiny_whisper(state: int = 8) -> dict[str, NDArray[Any]]:
    """Tensors of a Whisper with one layer a side, random but for the keys' biases."""
    random = np.random.default_rng(0)

    def linear(name: str, rows: int, columns: int) -> dict[str, NDArray[Any]]:
        return {f"{name}/weight": random.random((rows, columns), "f4"), f"{name}/bias": random.random(rows, "f4")}

    def norm(name: str) -> dict[str, NDArray[Any]]:
        return {f"{name}/{part}": random.random(state, "f4") for part in ("gamma", "beta")}

    tensors: dict[str, NDArray[Any]] = {}
    for side, attentions in (("encoder", ["self_attention"]), ("decoder", ["self_attention", "attention"])):
        layer = f"{side}/layer_0"
        for attention in attentions:
            cuts = [3, 1] if attention == "self_attention" else [1, 2, 1]
            for number, cut in enumerate(cuts):
                tensors |= linear(f"{layer}/{attention}/linear_{number}", cut * state, state)
            tensors |= norm(f"{layer}/{attention}/layer_norm")
        tensors |= norm(f"{layer}/ffn/layer_norm") | norm(f"{side}/layer_norm")
        tensors |= linear(f"{layer}/ffn/linear_0", 4 * state, state) | linear(f"{layer}/ffn/linear_1", state, 4 * state)
        tensors[f"{side}/num_heads"] = np.array(2, "i2")
        tensors[f"{layer}/self_attention/linear_0/bias"][state : 2 * state] = 0
    tensors["decoder/layer_0/attention/linear_1/bias"][:state] = 0
    for number, width in ((1, 80), (2, state)):
        tensors[f"encoder/conv{number}/weight"] = random.random((state, width, 3), "f4")
        tensors[f"encoder/conv{number}/bias"] = random.random(state, "f4")
    tensors["encoder/position_encodings/encodings"] = random.random((1500, state), "f4")
    tensors["decoder/position_encodings/encodings"] = random.random((6, state), "f4")
    tensors["decoder/embeddings/weight"] = random.random((20, state), "f4")
    return tensors


def _string(text: str) -> bytes:
    return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

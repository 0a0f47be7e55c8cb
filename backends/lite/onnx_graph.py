"""mfcc-lite as an ONNX graph: samples in, probabilities out, for any runtime and without Python's packages.

Input ``audio``: float32, shape (samples,), mono, 8 kHz, at least one sample, finite. Output ``scores``: float32, shape
(labels,), a probability for each label; the labels are in the metadata under ``labels``, a JSON list. The whole front
end is in the graph: trimming included, the Fourier transform as a matrix product.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from backends.base import BackendError
from backends.lite import features as front
from backends.lite import network

if TYPE_CHECKING:
    from backends.lite.backend import Fitted

OPSET, IR_VERSION = 18, 10
"""Of 2022 and 2024: what runtimes in use can read."""


def graph(fitted: Fitted, labels: tuple[str, ...]) -> bytes:
    """The serialised graph. Raises BackendError if the package onnx is missing."""
    try:
        from onnx import TensorProto, checker, helper
    except ImportError:
        raise BackendError("exporting needs the package onnx: pip install 'digitbench[onnx]'") from None
    builder = _Builder(helper)
    picture = _picture(builder, *_word(builder))
    _classify(builder, picture, fitted, labels)
    made = helper.make_graph(
        builder.nodes,
        "mfcc-lite",
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["samples"])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [len(labels)])],
        builder.constants,
    )
    model = helper.make_model(
        made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="digitbench"
    )
    helper.set_model_props(model, {"labels": json.dumps(labels), "sample_rate": str(front.SAMPLE_RATE)})
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


class _Builder:
    """Nodes and constants in order, each with a name of its own."""

    def __init__(self, helper: Any) -> None:
        self._helper = helper
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def constant(self, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def integers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def double(self, value: float) -> str:
        return self.constant(np.array([value], np.float64))

    def single(self, value: float) -> str:
        return self.constant(np.array([value], np.float32))

    def __call__(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:
        name = name or f"n{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(operator, inputs, [name], **attributes))
        return name


def _word(add: _Builder) -> tuple[str, str, str]:
    """The pre-emphasised signal, the word's first and last sample: ``emphasise`` and ``span``."""
    zero, one, block = add.integers(0), add.integers(1), add.integers(front.BLOCK)
    samples = add("Shape", "audio")
    end = add.integers(np.iinfo(np.int64).max)
    before = add("Slice", "audio", zero, add("Sub", samples, one))
    difference = add("Sub", add("Slice", "audio", one, end), before)
    blocks = add("Div", add("Add", samples, add.integers(front.BLOCK - 1)), block)
    missing = add("Sub", add("Mul", blocks, block), samples)
    signal = add("Pad", difference, add("Concat", one, missing, axis=0))

    from onnx import TensorProto

    rows = add("Cast", add("Reshape", signal, add.integers(-1, front.BLOCK)), to=TensorProto.DOUBLE)
    energy = add("ReduceSum", add("Mul", rows, rows), one, keepdims=0)
    last_block = add("Sub", blocks, one)
    padded = add("Concat", add("Gather", energy, zero), energy, add("Gather", energy, last_block), axis=0)
    left = add("Slice", padded, zero, blocks)
    centre = add("Slice", padded, one, add("Add", blocks, one))
    right = add("Slice", padded, add.integers(2), add("Add", blocks, add.integers(2)))
    smooth = add("Add", add("Add", left, centre), right)
    peak = add("ReduceMax", smooth, keepdims=1)
    count = add("Add", add("Div", blocks, add.integers(10)), one)
    add.nodes.append(add._helper.make_node("TopK", [smooth, count], ["lowest", "lowest_at"], largest=0, sorted=1))
    quiet = add("Gather", "lowest", add("Sub", count, one))
    floor = add("Min", quiet, add("Mul", peak, add.double(front.FLOOR_AT_MOST)))
    threshold = add(
        "Max", add("Mul", peak, add.double(front.BELOW_PEAK)), add("Mul", floor, add.double(front.ABOVE_FLOOR))
    )
    active = add("Cast", add("GreaterOrEqual", smooth, threshold), to=TensorProto.INT64)
    first = add("ArgMax", active, axis=0, keepdims=1)
    final = add("ArgMax", active, axis=0, keepdims=1, select_last_index=1)
    margin = add.integers(front.MARGIN)
    begin = add("Mul", add("Max", zero, add("Sub", first, margin)), block)
    stop = add("Min", blocks, add("Add", add("Add", final, margin), one))
    return signal, begin, add("Sub", add("Mul", stop, block), one)


def _picture(add: _Builder, signal: str, first: str, last: str) -> str:
    """Shape (1, frames, bands): ``FrontEnd.frames``."""
    half = front.WINDOW // 2
    padded = add("Pad", signal, add.integers(half, half))
    steps = add("Mul", add.integers(*range(front.FRAMES)), add("Sub", last, first))
    starts = add("Add", first, add("Div", steps, add.integers(front.FRAMES - 1)))
    offsets = add.constant(np.arange(front.WINDOW)[np.newaxis])
    frames = add("Gather", padded, add("Add", add("Unsqueeze", starts, add.integers(1)), offsets))
    angle = 2 * np.pi / front.WINDOW * np.outer(np.arange(front.WINDOW), np.arange(half + 1))
    window = front.window().astype(np.float64)[:, np.newaxis]
    parts = [add("MatMul", frames, add.constant((window * f(angle)).astype(np.float32))) for f in (np.cos, np.sin)]
    spectrum = add("Add", *(add("Mul", part, part) for part in parts))
    power = add("MatMul", spectrum, add.constant(front.filterbank()))
    mean = add("ReduceMean", power, keepdims=1)
    share = add("Div", power, add("Add", mean, add.single(front.TINY)))
    logs = add("Log", add("Add", share, add.single(front.RELATIVE_FLOOR)))
    picture = add("Sub", logs, add("ReduceMean", logs, add.integers(0), keepdims=1))
    return add("Unsqueeze", picture, add.integers(0))


def _classify(add: _Builder, picture: str, fitted: Fitted, labels: tuple[str, ...]) -> None:
    each = [_logits(add, picture, weights) for weights in fitted.networks]
    logits = add("Div", add("Sum", *each), add.single(len(each)))
    heard = add("Softmax", add("Div", logits, add.single(fitted.temperature)), axis=1)
    spread = np.zeros((len(fitted.classes), len(labels)), np.float32)  # labels never heard in training score 0
    for row, label in enumerate(fitted.classes):
        spread[row, labels.index(label)] = 1
    add("Reshape", add("MatMul", heard, add.constant(spread)), add.integers(-1), name="scores")


def _logits(add: _Builder, picture: str, weights: network.Weights) -> str:
    signal = add("Transpose", picture, perm=[0, 2, 1])
    for number, channels in (("1", front.BANDS), ("2", network.CHANNELS[0])):
        # rows of our matrix are (tap, channel), ONNX wants (out, channel, tap)
        taps = weights[f"conv{number}"].reshape(network.KERNEL, channels, -1).transpose(2, 1, 0)
        bias = add.constant(weights[f"bias{number}"])
        pads = [network.PAD, network.PAD]
        signal = add("Conv", signal, add.constant(taps), bias, strides=[network.STRIDE], pads=pads)
        signal = add("Relu", signal)
    flat = add("Reshape", add("Transpose", signal, perm=[0, 2, 1]), add.integers(1, -1))
    hidden = add("Relu", add("Gemm", flat, add.constant(weights["dense"]), add.constant(weights["bias3"])))
    return add("Gemm", hidden, add.constant(weights["out"]), add.constant(weights["bias4"]))

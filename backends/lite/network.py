"""A small convolutional network in NumPy: two convolutions over time, a dense layer, logits.

Time-delay networks for short words: Waibel et al. 1989. Trained by Adam (Kingma and Ba 2015) on the cross-entropy
with smoothed labels (Szegedy et al. 2016) and dropout (Srivastava et al. 2014). Single precision, one thread's worth
of matrix products; the same arguments give the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

KERNEL, STRIDE, PAD = 5, 2, 2
"""Frames."""
CHANNELS = (48, 64)
HIDDEN = 128
BATCH = 64
RATE, DECAY, SMOOTHING, DROPOUT = 2e-3, 1e-3, 0.2, 0.3

Array = NDArray[np.float32]
Weights = Mapping[str, Array]
Labels = NDArray[np.intp]


def shapes(frames: int, bands: int, classes: int) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every array of a network."""
    flat = _halved(_halved(frames)) * CHANNELS[1]
    return {
        "conv1": (KERNEL * bands, CHANNELS[0]),
        "bias1": (CHANNELS[0],),
        "conv2": (KERNEL * CHANNELS[0], CHANNELS[1]),
        "bias2": (CHANNELS[1],),
        "dense": (flat, HIDDEN),
        "bias3": (HIDDEN,),
        "out": (HIDDEN, classes),
        "bias4": (classes,),
    }


def stack(networks: Sequence[Weights]) -> dict[str, Array]:
    """Several networks as one for ``logits``: every array gets a leading axis, a network each."""
    axes = {"conv": (1,), "bias1": (1, 2), "bias2": (1, 2), "bias": (1,)}  # where clips, and frames, broadcast
    stacked = {}
    for name in networks[0]:
        room = next((axes[kind] for kind in axes if name.startswith(kind)), ())
        stacked[name] = np.expand_dims(np.stack([weights[name] for weights in networks]), room)
    return stacked


def logits(weights: Weights, pictures: Array) -> Array:
    """Shape (clips, frames, bands) -> (clips, classes), of a stack (networks, clips, classes)."""
    first = np.maximum(_windows(pictures) @ weights["conv1"] + weights["bias1"], 0)
    second = np.maximum(_windows(first) @ weights["conv2"] + weights["bias2"], 0)
    hidden = np.maximum(second.reshape(*second.shape[:-2], -1) @ weights["dense"] + weights["bias3"], 0)
    return np.asarray(hidden @ weights["out"] + weights["bias4"], np.float32)


def train(
    draw: Callable[[int], Array], labels: Labels, classes: int, epochs: int, seed: int | list[int]
) -> dict[str, Array]:
    """Weights after ``epochs`` passes; ``draw(epoch)`` gives that pass's pictures, (clips, frames, bands)."""
    generator = np.random.default_rng(seed)
    _, frames, bands = draw(0).shape
    weights: dict[str, Array] = {}
    for name, shape in shapes(frames, bands, classes).items():
        scale = np.sqrt(2 / shape[0]) if len(shape) == 2 else 0
        weights[name] = (scale * generator.standard_normal(shape)).astype(np.float32)
    means = {name: np.zeros_like(array) for name, array in weights.items()}
    squares = {name: np.zeros_like(array) for name, array in weights.items()}
    targets = np.full((len(labels), classes), SMOOTHING / classes, np.float32)
    targets[np.arange(len(labels)), labels] += 1 - SMOOTHING
    step, steps = 0, epochs * -(-len(labels) // BATCH)
    for epoch in range(epochs):
        pictures, order = draw(epoch), generator.permutation(len(labels))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            kept = generator.random((len(rows), HIDDEN), np.float32) >= DROPOUT
            gradients = _gradients(weights, pictures[rows], targets[rows], np.asarray(kept / (1 - DROPOUT), np.float32))
            rate = RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
            step += 1
            size = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            for name, gradient in gradients.items():
                means[name] += np.float32(0.1) * (gradient - means[name])
                squares[name] += np.float32(0.001) * (gradient**2 - squares[name])
                if weights[name].ndim == 2:
                    weights[name] *= np.float32(1 - rate * DECAY)
                weights[name] -= np.float32(size) * means[name] / (np.sqrt(squares[name]) + np.float32(1e-8))
    return weights


def _halved(frames: int) -> int:
    return (frames + 2 * PAD - KERNEL) // STRIDE + 1


def _windows(signal: Array) -> Array:
    """Shape (..., frames, channels) -> (..., windows, 5 * channels), overlapping in memory."""
    *clips, frames, channels = signal.shape
    padded = np.zeros((*clips, frames + 2 * PAD, channels), np.float32)
    padded[..., PAD:-PAD, :] = signal
    *by_clip, by_frame, by_channel = padded.strides
    shape = (*clips, _halved(frames), KERNEL * channels)
    return np.ndarray(shape, np.float32, padded, strides=(*by_clip, STRIDE * by_frame, by_channel))


def _gradients(weights: Weights, pictures: Array, targets: Array, dropout: Array) -> dict[str, Array]:
    seen = _windows(pictures)
    first = np.maximum(seen @ weights["conv1"] + weights["bias1"], 0)
    around = _windows(first)
    second = np.maximum(around @ weights["conv2"] + weights["bias2"], 0)
    flat = second.reshape(len(pictures), -1)
    hidden = np.maximum(flat @ weights["dense"] + weights["bias3"], 0) * dropout
    scores = hidden @ weights["out"] + weights["bias4"]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    by_scores = (powers / powers.sum(axis=1, keepdims=True) - targets) / np.float32(len(pictures))
    by_hidden = (by_scores @ weights["out"].T) * dropout * (hidden > 0)
    by_second = (by_hidden @ weights["dense"].T).reshape(second.shape) * (second > 0)
    flat_second = by_second.reshape(-1, CHANNELS[1])
    by_around = (flat_second @ weights["conv2"].T).reshape(*second.shape[:2], KERNEL, CHANNELS[0])
    by_padded = np.zeros((len(pictures), first.shape[1] + 2 * PAD, CHANNELS[0]), np.float32)
    for tap in range(KERNEL):
        by_padded[:, tap : tap + STRIDE * second.shape[1] : STRIDE][:, : second.shape[1]] += by_around[:, :, tap]
    by_first = (by_padded[:, PAD:-PAD] * (first > 0)).reshape(-1, CHANNELS[0])
    return {
        "conv1": seen.reshape(-1, seen.shape[2]).T @ by_first,
        "bias1": by_first.sum(axis=0),
        "conv2": around.reshape(-1, around.shape[2]).T @ flat_second,
        "bias2": flat_second.sum(axis=0),
        "dense": flat.T @ by_hidden,
        "bias3": by_hidden.sum(axis=0),
        "out": hidden.T @ by_scores,
        "bias4": by_scores.sum(axis=0),
    }

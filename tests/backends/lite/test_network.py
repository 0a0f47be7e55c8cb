from __future__ import annotations

import numpy as np
import pytest

from backends.lite import network
from backends.lite.network import Array, logits, shapes, stack, train


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


WEIGHTS = {name: 0.1 * random(*shape, seed=number) for number, (name, shape) in enumerate(shapes(8, 3, 4).items())}


def test_logits_and_gradients_are_those_of_torch() -> None:
    torch = pytest.importorskip("torch", reason="needs torch as an oracle")
    pictures, targets = random(5, 8, 3), np.eye(4, dtype=np.float32)[[0, 1, 2, 3, 0]]
    dropout = 2 * (random(5, network.HIDDEN, seed=7) > 0).astype(np.float32)
    weights = {name: torch.tensor(array, requires_grad=True) for name, array in WEIGHTS.items()}
    signal = torch.tensor(pictures).transpose(1, 2)
    for number, channels in (("1", 3), ("2", network.CHANNELS[0])):
        taps = weights[f"conv{number}"].reshape(network.KERNEL, channels, -1).permute(2, 1, 0)
        signal = torch.relu(torch.conv1d(signal, taps, weights[f"bias{number}"], stride=2, padding=2))
    hidden = torch.relu(signal.transpose(1, 2).reshape(5, -1) @ weights["dense"] + weights["bias3"])
    plain, dropped = (heard @ weights["out"] + weights["bias4"] for heard in (hidden, hidden * torch.tensor(dropout)))
    torch.nn.functional.cross_entropy(dropped, torch.tensor(targets)).backward()
    np.testing.assert_allclose(logits(WEIGHTS, pictures), plain.detach().numpy(), atol=1e-5)
    gradients = network._gradients(WEIGHTS, pictures, targets, dropout)
    for name, tensor in weights.items():
        np.testing.assert_allclose(gradients[name], tensor.grad.numpy(), rtol=1e-3, atol=1e-5, err_msg=name)


def test_a_stack_of_networks_gives_the_logits_of_each() -> None:
    others = {name: -array for name, array in WEIGHTS.items()}
    pictures = random(5, 8, 3)
    together = logits(stack([WEIGHTS, others]), pictures)
    assert together.shape == (2, 5, 4)
    np.testing.assert_allclose(together, [logits(WEIGHTS, pictures), logits(others, pictures)], rtol=1e-4, atol=1e-5)


def test_training_learns_and_repeats_itself() -> None:
    truth = np.arange(40) % 4
    pictures = random(40, 8, 3) + np.float32(2) * random(4, 8, 3, seed=1)[truth]
    one, two = (train(lambda _: pictures, truth, 4, 60, seed=3) for _ in range(2))
    assert (logits(one, pictures).argmax(axis=1) == truth).all()
    assert all((one[name] == two[name]).all() for name in one)

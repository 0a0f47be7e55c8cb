"""Networks from a mel-spectrogram, and what the decoder said of itself, to a WER between 0 and 1. PyTorch.

Inputs: spectrograms (clips, 1, 64, frames) and facts (clips, facts), of which there may be none; output: (clips,).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from backends.base import BackendError

HIDDEN = 32
NETWORKS = ("cnn", "mobilenet", "facts")


def network(name: str, facts: int) -> Head:
    """An untrained network. Raises BackendError for a name that is not in NETWORKS, or one without any input."""
    if name == "facts":
        if not facts:
            raise BackendError("a network of facts needs at least one")
        return Head(None, 0, facts)
    if name == "cnn":
        return Head(small_cnn(), 64, facts)
    if name == "mobilenet":
        return Head(small_mobilenet(), 96, facts)
    raise BackendError(f"no network named {name!r}; one of {', '.join(NETWORKS)}")


class Head(nn.Module):  # type: ignore[misc]
    """Mean and largest value over time and bands of the last channels through one layer; facts through another.

    With both, what is seen corrects what the facts say (:attr:`base`), at first by nothing.
    """

    def __init__(self, body: nn.Module | None, channels: int, facts: int) -> None:
        super().__init__()
        self.body = body
        self.last = _layers(2 * channels if body is not None else facts)
        self.base = _layers(facts) if body is not None and facts else None
        if self.base is not None:
            nn.init.zeros_(self.last[-1].weight)
            nn.init.zeros_(self.last[-1].bias)

    def forward(self, mel: Tensor, facts: Tensor) -> Tensor:
        """WER of each clip."""
        if self.body is None:
            logits = self.last(facts)
        else:
            maps = self.body(mel)
            logits = self.last(torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1))
        if self.base is not None:
            logits = logits + self.base(facts)
        wer: Tensor = torch.sigmoid(logits).squeeze(1)
        return wer


def begin(module: Head, facts: Mapping[str, Any]) -> None:
    """Let a network of sound and facts begin as one of facts alone says, whose arrays these are.

    Raises BackendError where the network has no facts, or others.
    """
    if module.base is None:
        raise BackendError("only a network of sound and facts begins with one of facts")
    restore(module.base, {name.removeprefix("last."): array for name, array in facts.items()})


def small_cnn() -> nn.Module:
    """Four convolutions of stride two, 16 to 64 channels."""
    widths = (1, 16, 32, 64, 64)
    return nn.Sequential(*(_convolution(widths[place], widths[place + 1], 3, 2) for place in range(4)))


def small_mobilenet() -> nn.Module:
    """A narrow MobileNetV3 (Howard et al. 2019): inverted residuals, squeeze and excitation, hard swish.

    Written here as torchvision has no build for this PyTorch.
    """
    # kernel, channels within, channels out, squeeze, stride
    blocks = (
        (3, 16, 16, True, 2), (3, 48, 24, False, 2), (3, 64, 24, False, 1), (5, 72, 40, True, 2), (5, 120, 40, True, 1),
    )  # fmt: skip
    layers: list[nn.Module] = [_convolution(1, 16, 3, 2)]
    before = 16
    for kernel, within, after, squeeze, stride in blocks:
        layers.append(Inverted(before, within, after, kernel, stride, squeeze))
        before = after
    return nn.Sequential(*layers, _convolution(before, 96, 1, 1))


class Inverted(nn.Module):  # type: ignore[misc]
    """Wider, filtered channel by channel, weighed, narrow again; added to its input where shapes allow."""

    def __init__(self, before: int, within: int, after: int, kernel: int, stride: int, squeeze: bool) -> None:
        super().__init__()
        self.added = stride == 1 and before == after
        layers: list[nn.Module] = [
            _convolution(before, within, 1, 1),
            _convolution(within, within, kernel, stride, within),
        ]
        if squeeze:
            layers.append(Squeeze(within))
        self.layers = nn.Sequential(*layers, nn.Conv2d(within, after, 1, bias=False), nn.BatchNorm2d(after))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the channels out."""
        changed: Tensor = self.layers(maps)
        return maps + changed if self.added else changed


class Squeeze(nn.Module):  # type: ignore[misc]
    """Every channel times a weight that follows from the means of all (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weights = nn.Sequential(
            nn.Conv2d(channels, channels // 4, 1), nn.ReLU(), nn.Conv2d(channels // 4, channels, 1), nn.Hardsigmoid()
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Maps of the same shape."""
        weighed: Tensor = maps * self.weights(maps.mean(dim=(2, 3), keepdim=True))
        return weighed


def arrays(module: nn.Module) -> dict[str, Any]:
    """Weights and statistics as float32 NumPy arrays, by name."""
    return {name: tensor.detach().numpy().astype("float32") for name, tensor in module.state_dict().items()}


def restore(module: nn.Module, stored: Mapping[str, Any]) -> None:
    """Put arrays back. Raises BackendError where names or shapes are others."""
    state = {name: torch.from_numpy(array) for name, array in stored.items()}
    expected = module.state_dict()
    if set(state) != set(expected) or any(state[name].shape != expected[name].shape for name in state):
        raise BackendError("the arrays are not those of this network")
    module.load_state_dict({name: state[name].to(expected[name].dtype) for name in state})
    module.eval()


def _layers(inputs: int) -> nn.Module:
    return nn.Sequential(nn.Linear(inputs, HIDDEN), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(HIDDEN, 1))


def _convolution(before: int, after: int, kernel: int, stride: int, groups: int = 1) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
        nn.Hardswish(),
    )

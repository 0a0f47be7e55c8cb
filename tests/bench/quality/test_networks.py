from __future__ import annotations

import numpy as np
import pytest

from backends.base import BackendError

torch = pytest.importorskip("torch")


@pytest.mark.parametrize("name", ["cnn", "mobilenet"])
def test_shapes_and_gradients(name: str) -> None:
    from bench.quality.networks import network

    module = network(name, 3)
    wer = module(torch.randn(4, 1, 64, 80), torch.randn(4, 3))
    assert wer.shape == (4,) and bool(((wer > 0) & (wer < 1)).all())
    wer.sum().backward()
    assert all(weight.grad is not None for weight in module.parameters())


def test_a_network_learns_what_can_be_seen() -> None:
    from bench.quality.networks import network

    torch.manual_seed(0)
    module = network("cnn", 0)
    loud = torch.tensor([0.0, 1.0] * 16)
    pictures = torch.randn(32, 1, 64, 40) + 2 * loud[:, None, None, None]
    optimiser = torch.optim.Adam(module.parameters(), 5e-3)
    for _ in range(25):
        loss = (module(pictures, torch.zeros(32, 0)) - loud).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert float(loss.detach()) < 0.15


def test_sound_and_facts_begin_with_what_facts_say() -> None:
    from bench.quality.networks import arrays, begin, network

    facts, both = network("facts", 3).eval(), network("cnn", 3).eval()
    begin(both, arrays(facts))
    rows, mel = torch.randn(5, 3), torch.randn(5, 1, 64, 30)
    with torch.inference_mode():
        np.testing.assert_allclose(both(mel, rows).numpy(), facts(mel, rows).numpy(), atol=1e-6)
    with pytest.raises(BackendError, match="sound and facts"):
        begin(network("cnn", 0), arrays(facts))


def test_what_does_not_fit_is_refused() -> None:
    from bench.quality.networks import arrays, network, restore

    with pytest.raises(BackendError, match="no network named"):
        network("rnn", 1)
    with pytest.raises(BackendError, match="at least one"):
        network("facts", 0)
    with pytest.raises(BackendError, match="not those of this network"):
        restore(network("cnn", 0), {**arrays(network("cnn", 0)), "more": np.ones(1, np.float32)})

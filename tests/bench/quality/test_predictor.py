from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends.base import BackendError
from backends.kit import arrayfile
from bench.quality.mel import BANDS, quantised
from bench.quality.predictor import FACTS, FRAMES, WerPredictor, framed, load

SURE = dict(zip(FACTS, (-0.2, 0.01, 1.3, 3.0), strict=True))
NOISE = np.random.default_rng(0).normal(0, 0.1, 16_000).astype(np.float32)


def made(network: str, facts: tuple[str, ...] = FACTS, seeds: tuple[int, ...] = (0, 1)) -> WerPredictor:
    torch = pytest.importorskip("torch")
    from bench.quality import networks

    members = []
    for seed in seeds:
        torch.manual_seed(seed)
        members.append(networks.arrays(networks.network(network, len(facts))))
    return WerPredictor(
        network, facts, np.zeros(len(facts), np.float32), np.ones(len(facts), np.float32), tuple(members)
    )


@pytest.mark.parametrize(("network", "facts"), [("facts", FACTS), ("cnn", ()), ("mobilenet", FACTS)])
def test_a_saved_model_says_the_same(tmp_path: Path, network: str, facts: tuple[str, ...]) -> None:
    before = made(network, facts)
    before.save(tmp_path / "model.zip")
    after = load(tmp_path / "model.zip")
    said = before.predict(SURE, NOISE)
    assert 0 < said < 1 and after.predict(SURE, NOISE) == pytest.approx(said, abs=1e-6)


def test_the_network_of_facts_is_the_same_without_torch() -> None:
    torch = pytest.importorskip("torch")
    from bench.quality import networks

    torch.manual_seed(3)
    module = networks.network("facts", 4)
    predictor = WerPredictor(
        "facts", FACTS, np.zeros(4, np.float32), np.ones(4, np.float32), (networks.arrays(module),)
    )
    rows = np.random.default_rng(0).normal(0, 1, (7, 4)).astype(np.float32)
    with torch.inference_mode():
        expected = module.eval()(torch.zeros(7, 1), torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(predictor.predict_many(rows), expected, atol=1e-6)


def test_members_are_averaged() -> None:
    both, one, two = (made("facts", seeds=seeds).predict(SURE) for seeds in ((0, 1), (0,), (1,)))
    assert both == pytest.approx((one + two) / 2)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(BackendError, match="avg_logprob"):
        made("facts").predict({"no_speech": 0.1})
    with pytest.raises(BackendError, match="finite"):
        made("facts").predict({**SURE, "no_speech": float("nan")})
    for audio in (None, np.zeros(0, np.float32), np.full(9, np.inf, np.float32)):
        with pytest.raises(BackendError, match="recording"):
            made("cnn").predict(SURE, audio)


@pytest.mark.parametrize(
    ("state", "stored"),
    [
        ({}, {}),
        ({"network": "facts", "facts": list(FACTS), "members": 0}, {}),
        ({"network": "facts", "facts": ["secret"], "members": 1}, {"0/a": np.ones(1)}),
        ({"network": "nothing", "facts": list(FACTS), "members": 1}, {"0/a": np.ones(1)}),
        ({"network": "cnn", "facts": list(FACTS), "members": 1}, {"0/a": np.ones(1)}),
        ({"network": "facts", "facts": list(FACTS), "members": 1}, {"0/last.0.weight": np.ones((3, 3))}),
        ({"network": "facts", "facts": list(FACTS), "members": 1}, {"7/last.0.weight": np.ones((3, 3))}),
    ],
)
def test_a_file_that_is_no_predictor_is_refused(tmp_path: Path, state: dict[str, Any], stored: dict[str, Any]) -> None:
    place = tmp_path / "model.zip"
    size = {"means": np.zeros(len(state.get("facts", []))), "scales": np.ones(len(state.get("facts", [])))}
    arrayfile.write(place, {}, state, stored | size)
    with pytest.raises(BackendError, match=r"model.zip: not a wer-predictor"):
        load(place)


def test_nothing_that_runs_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.zip").write_bytes(b"\x80\x04.")
    with pytest.raises(BackendError, match=r"model.zip"):
        load(tmp_path / "model.zip")


@pytest.mark.parametrize("frames", [1, 2, 51, 2 * FRAMES, 3 * FRAMES])
def test_every_length_fits(frames: int) -> None:
    assert framed(np.zeros((BANDS, frames), np.uint8)).shape == (1, BANDS, FRAMES)
    assert framed(quantised(NOISE)).max() > framed(quantised(NOISE)).min()

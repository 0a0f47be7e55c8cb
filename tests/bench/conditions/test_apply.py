from __future__ import annotations

import inspect
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audio import Audio, write
from bench.conditions import CLEAN, DEFAULT_SWEEP, FORMS, Resources, Voice, apply, parse
from bench.errors import BenchError
from tests.conftest import tone

EVERY = sorted({*(form.example for form in FORMS), *DEFAULT_SWEEP, "pitch:-3", "speed:0.8", "drop:50%"})
RATE = 8_000


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    root = tmp_path_factory.mktemp("resources")
    write(root / "dishes.wav", np.random.default_rng(0).normal(0, 0.1, 9_000).astype(np.float32), RATE)
    response = np.zeros(800, np.float32)
    response[[20, 120, 700]] = 0.9, 0.4, 0.1
    write(root / "rir_clap.wav", response, RATE)
    write(root / "bob.wav", tone(300), RATE)
    return Resources(root, root, (Voice(root / "bob.wav", "bob", "b0b"),))


def awkward() -> dict[str, Audio]:
    return {
        "one sample": np.full(1, 0.5, np.float32),
        "two samples": np.array([0.5, -0.5], np.float32),
        "100 samples": tone(440)[:100],
        "silent": np.zeros(800, np.float32),
        "one silent sample": np.zeros(1, np.float32),
        "mostly silent": np.pad(tone(440), 9_000),
        "full scale": np.sign(tone(440)).astype(np.float32),
        "too loud": tone(440) * np.float32(20),
        "constant": np.full(4_000, 0.9, np.float32),
        "faint": tone(440) * np.float32(1e-6),
        "read only": frozen(tone(440)),
    }


def frozen(audio: Audio) -> Audio:
    audio.flags.writeable = False
    return audio


@pytest.mark.parametrize("case", awkward())
@pytest.mark.parametrize("spec", [spec for spec in EVERY if spec != "clean"])
def test_any_clip_gives_finite_float32_within_full_scale(resources: Resources, spec: str, case: str) -> None:
    audio = awkward()[case]
    before = audio.copy()
    changed, rate = apply(parse(spec), audio, RATE, clip="a", speaker="ann", resources=resources)
    np.testing.assert_array_equal(audio, before)
    assert (changed.dtype.name, changed.ndim) == ("float32", 1)
    assert len(changed) and np.isfinite(changed).all() and np.abs(changed).max() <= 1
    again, _ = apply(parse(spec), audio, RATE, clip="a", speaker="ann", resources=resources)
    np.testing.assert_array_equal(changed, again)
    if spec.partition(":")[0] not in ("speed", "silence", "rate", "framed", "live"):
        assert (changed.shape, rate) == (audio.shape, RATE)
    if case == "silent":
        assert np.abs(changed).max() < 1e-3


@given(st.lists(st.floats(-3, 3, width=32), max_size=20), st.integers(4_000, 96_000))
def test_clean_is_the_same_array(samples: list[float], rate: int) -> None:
    audio = np.array(samples, np.float32)
    assert apply(CLEAN, audio, rate, clip="a") == (audio, rate) or not len(audio)
    assert apply(CLEAN, audio, rate, clip="a")[0] is audio


def test_labels_are_not_seen() -> None:
    assert not {"label", "labels"} & set(inspect.signature(apply).parameters)


def test_an_empty_clip_is_an_error() -> None:
    with pytest.raises(BenchError, match="clip a: no samples"):
        apply(parse("mulaw"), np.zeros(0, np.float32), RATE, clip="a")


def test_a_missing_package_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(BenchError, match=r"condition mp3@16k needs av: pip install 'digitbench\[conditions\]'"):
        apply(parse("mp3@16k"), tone(440), RATE, clip="a")

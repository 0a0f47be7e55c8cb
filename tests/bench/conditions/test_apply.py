from __future__ import annotations

import inspect
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.audio import Audio, fingerprint, read, write
from bench.conditions import CLEAN, DEFAULT_SWEEP, FORMS, Resources, Voice, apply, identity, parse, render
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
    if spec.partition(":")[0] not in ("speed", "silence", "rate"):
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


def entries(folder: Path) -> list[dict[str, str]]:
    found = []
    for number in range(3):
        path = folder / f"{number}.wav"
        write(path, tone(300 + number), RATE)
        audio, rate = read(path)
        sha256 = fingerprint(audio, rate)
        found.append({"clip": f"x/{number}", "path": str(path), "sha256": sha256, "label": "1", "speaker": "ann"})
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(spec=st.sampled_from(["noise:babble@5dB", "rate:16000", "gain:+20dB", "speed:0.8"]))
def test_rendered_clips_are_what_apply_gives(tmp_path: Path, resources: Resources, spec: str) -> None:
    listed, condition = entries(tmp_path), parse(spec)
    rendered = list(render(condition, listed, tmp_path / "out", 7, resources))
    assert len({entry["path"] for entry in rendered}) == 3
    for old, new in zip(listed, rendered, strict=True):
        assert {**old, "path": "", "sha256": ""} == {**new, "path": "", "sha256": ""}
        audio, rate = apply(
            condition, *read(Path(old["path"])), clip=old["clip"], speaker="ann", seed=7, resources=resources
        )
        assert new["sha256"] == fingerprint(audio, rate) == fingerprint(*read(Path(new["path"])))
        assert new["sha256"] != old["sha256"]
        assert soundfile.info(new["path"]).subtype == "FLOAT"


def test_clean_is_not_rendered(tmp_path: Path) -> None:
    listed = entries(tmp_path)
    assert list(render(CLEAN, listed, tmp_path / "out", 0, Resources())) == listed
    assert not (tmp_path / "out").exists()


def test_identity_tells_apart_whatever_changes_the_samples(resources: Resources, tmp_path: Path) -> None:
    other = Resources(tmp_path, tmp_path, ())
    write(tmp_path / "dishes.wav", tone(440), RATE)
    write(tmp_path / "rir_clap.wav", tone(440), RATE)
    known = [
        identity(parse(spec), seed, where)
        for spec in ("noise:dishes@5dB", "noise:dishes@0dB", "noise:babble@5dB", "reverb:clap")
        for seed in (0, 1)
        for where in (resources, other)
    ]
    assert all(known[i] != known[j] for i in range(len(known)) for j in range(i))
    assert identity(parse("mulaw"), 0, resources) == identity(parse("mulaw"), 0, other)
    assert identity(CLEAN, 0, resources) == identity(CLEAN, 1, other) == []
    with pytest.raises(BenchError, match="no noise 'gone'"):
        identity(parse("noise:gone@5dB"), 0, resources)

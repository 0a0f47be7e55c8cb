from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.audio import fingerprint, read, write
from bench.clips import Clip
from bench.conditions import CLEAN, Resources, Treatments, Voice, apply, copies_identity, identity, noisy_copy, parse
from bench.conditions.training import COPIES
from bench.errors import BenchError
from tests.conftest import tone

RATE = 8_000
SPECS = ("clean", "noise:babble@5dB", "rate:16000", "gain:+20dB", "speed:0.8")


@pytest.fixture(scope="module")
def resources(tmp_path_factory: pytest.TempPathFactory) -> Resources:
    root = tmp_path_factory.mktemp("resources")
    write(root / "dishes.wav", np.random.default_rng(0).normal(0, 0.1, 9_000).astype(np.float32), RATE)
    write(root / "rir_clap.wav", tone(300), RATE)
    write(root / "bob.wav", tone(300), RATE)
    return Resources(root, root, (Voice(root / "bob.wav", "bob", "b0b"),))


def clips(folder: Path) -> list[Clip]:
    found = []
    for number in range(3):
        path = folder / f"{number}.wav"
        write(path, tone(300 + number), RATE)
        sha256 = fingerprint(*read(path))
        found.append(Clip(f"x/{number}", str(path), sha256, "1", "ann"))
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(spec=st.sampled_from(SPECS[1:]))
def test_clips_are_heard_as_apply_gives_them(tmp_path: Path, resources: Resources, spec: str) -> None:
    listed = clips(tmp_path)
    treatments = Treatments.of(SPECS, tmp_path / "out", 7, resources)
    for old, new in zip(listed, treatments.tested(spec, listed), strict=True):
        samples, rate = apply(
            parse(spec), *read(Path(old.path)), clip=old.id, speaker="ann", seed=7, resources=resources
        )
        assert new.sha256 == fingerprint(samples, rate) != old.sha256


def test_clean_clips_are_heard_where_they_are(tmp_path: Path) -> None:
    listed = clips(tmp_path)
    treatments = Treatments.of(("clean",), tmp_path / "out", 0, Resources())
    assert list(treatments.tested("clean", listed)) == listed
    assert not (tmp_path / "out").exists()


def test_training_gets_so_many_noisy_copies_of_each_clip(tmp_path: Path) -> None:
    listed = clips(tmp_path)
    noisy = list(Treatments.of((), tmp_path / "out", 3, Resources()).copies("noise", listed))
    assert len({clip.path for clip in noisy}) == COPIES * len(listed)
    for number, clip in enumerate(noisy):
        old, copy = listed[number % 3], number // 3
        samples, rate = read(Path(old.path))
        assert clip.sha256 == fingerprint(noisy_copy(samples, rate, old.id, copy, 3), rate)
        assert (clip.id, clip.reference, clip.speaker) == (old.id, "1", "ann")


def test_identity_tells_apart_whatever_changes_the_samples(resources: Resources, tmp_path: Path) -> None:
    other = Resources(tmp_path, tmp_path, ())
    write(tmp_path / "dishes.wav", tone(440), RATE)
    write(tmp_path / "rir_clap.wav", tone(440), RATE)
    known = [
        identity(parse(spec), seed, where)
        for spec in ("noise:dishes@5dB", "noise:dishes@0dB", "noise:babble@5dB", "reverb:clap")
        for seed in ((0,) if spec == "reverb:clap" else (0, 1))
        for where in (resources, other)
    ]
    assert all(known[i] != known[j] for i in range(len(known)) for j in range(i))
    assert identity(parse("mulaw"), 0, resources) == identity(parse("mulaw"), 0, other)
    assert identity(CLEAN, 0, resources) == identity(CLEAN, 1, other) == []
    assert copies_identity("noise", 0) != copies_identity("noise", 1)
    with pytest.raises(BenchError, match="no noise 'gone'"):
        identity(parse("noise:gone@5dB"), 0, resources)

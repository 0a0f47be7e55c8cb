"""Every loader that is installed does its four tasks; those of WAV agree to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bench.loading.child import timings
from bench.loading.loaders import LOADERS, REFERENCE, TARGET, missing
from bench.loading.sounds import FORMATS, RATE, encode
from tests.conftest import tone

SECONDS = 1.0


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    samples = np.resize(tone(440), round(SECONDS * RATE)).astype(np.float32)
    folder = tmp_path_factory.mktemp("sounds")
    made = {name: folder / f"{name}{how.suffix}" for name, how in FORMATS.items() if how.container}
    for name, path in made.items():
        encode(path, samples, RATE, FORMATS[name])
    return made


@pytest.mark.parametrize("name", LOADERS)
def test_it_reads_whole_a_slice_resampled_and_tells_the_duration(name: str, paths: dict[str, Path]) -> None:
    loader = LOADERS[name]
    if why := missing(loader):
        pytest.skip(why)
    calls, reference = loader.make(), LOADERS[REFERENCE].make()
    for kind in set(loader.formats) & set(paths):
        path = str(paths[kind])
        whole, rate = calls.whole(path)
        known, _ = reference.whole(path)
        assert rate == RATE
        assert whole.dtype == np.float32
        assert whole.ndim == 1
        cut, _ = calls.slice(path, 0.4, 0.2)
        assert abs(len(cut) - 0.2 * RATE) <= 0.03 * RATE
        resampled, rate = calls.resampled(path)
        assert rate == TARGET
        assert abs(len(resampled) - SECONDS * TARGET) < 0.06 * TARGET
        assert calls.duration(path) == pytest.approx(SECONDS, abs=0.06)
        if kind.startswith("WAV"):
            assert np.array_equal(whole, known)
            assert np.array_equal(cut, reference.slice(path, 0.4, 0.2)[0])


def test_short_calls_are_timed_five_times_and_a_failing_one_says_so() -> None:
    found = timings(lambda: None)
    assert len(found["wall"]) == len(found["cpu"]) == 5
    assert all(0 < seconds < 1e-3 for seconds in found["wall"])
    with pytest.raises(ZeroDivisionError):
        timings(lambda: 1 / 0)

"""Many files at once: in order, each alone in its failure, not all in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from audiodecode import load, load_many
from tests.audiodecode.sounds import by_libsndfile, speech


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    for number in range(100):
        (tmp_path / f"{number:03}").write_bytes(by_libsndfile("WAV", speech(seconds=0.01 + number / 1_000)))
    return sorted(tmp_path.iterdir())


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_one_bad_file_is_named_and_the_rest_goes_on_in_order(paths: list[Path], workers: int) -> None:
    paths[7].write_bytes(b"hello " * 99)
    paths[50].unlink()
    seen = list[tuple[int, int | None]]()
    found = list(load_many(paths, workers=workers, sr=None, progress=lambda *done: seen.append(done)))
    assert [each.path for each in found] == paths
    assert seen == [(number, 100) for number in range(1, 101)]
    assert [each.path for each in found if each.error] == [paths[7], paths[50]]
    assert "007: not audio" in str(found[7].error) and "050: cannot be read (No such file" in str(found[50].error)
    for each in found:
        if not each.error:
            np.testing.assert_array_equal(each.audio, load(each.path, sr=None)[0])
            assert each.rate == 16_000


def test_no_more_is_read_ahead_than_keeps_the_threads_busy(paths: list[Path]) -> None:
    taken = 0

    def endless() -> Iterator[Path]:
        nonlocal taken
        while True:
            taken += 1
            yield paths[taken % 100]

    results = load_many(endless(), workers=2, sr=None)
    for _ in range(10):
        next(results)
    results.close()  # type: ignore[attr-defined]
    assert taken <= 32 * 6


def test_options_that_cannot_be_are_errors_of_the_call(paths: list[Path]) -> None:
    with pytest.raises(ValueError, match="float16"):
        list(load_many(paths, workers=2, dtype="float16"))
    with pytest.raises(TypeError, match="rate"):
        list(load_many(paths, workers=2, rate=8_000))
    with pytest.raises(ValueError, match="workers"):
        load_many(paths, workers=0)

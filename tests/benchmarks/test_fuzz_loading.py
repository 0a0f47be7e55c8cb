"""The fuzz of the loader, on a few files of each format."""

from __future__ import annotations

import pytest

from benchmarks.fuzz_loading import FORMATS, example, fuzz, mutated


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_crashes_hangs_or_lies(format: str) -> None:
    counts = fuzz(format, 25)
    assert set(counts) <= {"files", "read", "rejected", "strict"}
    assert counts["read"] + counts["rejected"] == 25


def test_files_are_changed_the_same_way_each_time() -> None:
    good = example("WAV")
    assert mutated(good, 7) == mutated(good, 7) != mutated(good, 8)

"""The fuzz of the loader, on a few files of each format."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import audiodecode
from benchmarks.fuzz_loading import FORMATS, checked, example, fuzz, mutated


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_crashes_hangs_or_lies(format: str) -> None:
    counts = fuzz(format, 25)
    assert set(counts) <= {"files", "read", "rejected", "strict"}
    assert counts["read"] + counts["rejected"] == 25


def test_files_are_changed_the_same_way_each_time() -> None:
    good = example("WAV")
    assert mutated(good, 7) == mutated(good, 7) != mutated(good, 8)


@pytest.mark.parametrize(
    ("loose", "strict", "words"),
    [
        (1.0, 0.5, ["read", "strict", "strict differs", "not soundfile's"]),
        (np.nan, np.nan, ["read", "strict", "not finite", "strict differs", "not soundfile's"]),
        (ValueError(), 0.5, ["raised ValueError"]),
    ],
)
def test_a_lie_is_told(monkeypatch: pytest.MonkeyPatch, loose: Any, strict: Any, words: list[str]) -> None:
    def load(data: bytes, *, sr: None, strict: bool) -> tuple[Any, float]:
        value = answers[strict]
        if isinstance(value, Exception):
            raise value
        return np.full(4_000, value, np.float32), 16_000

    answers = {False: loose, True: strict}
    monkeypatch.setattr(audiodecode, "load", load)
    assert checked("WAV", example("WAV")) == words

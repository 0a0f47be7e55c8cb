"""Streams resample as wholes do, tapes forget what is old, the grid is that of 16 bits."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sound.resample import resample
from sound.stream import Resampler, Tape, to_grid


@settings(max_examples=20)
@given(st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000]), st.lists(st.integers(1, 3_000), min_size=1))
def test_any_pieces_resample_as_the_whole(rate: int, sizes: list[int]) -> None:
    samples = np.random.default_rng(rate).normal(0, 0.1, 9_000).astype(np.float32)
    stream, parts, start = Resampler(rate, 16_000), [], 0
    for size in sizes:
        parts.append(stream.push(samples[start : start + size]))
        start += size
    parts += [stream.push(samples[start:]), stream.finish()]
    assert np.array_equal(np.concatenate(parts), resample(samples, rate, 16_000))


def test_a_rate_is_positive() -> None:
    with pytest.raises(ValueError, match="positive"):
        Resampler(0, 16_000)


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 500))))
def test_a_tape_keeps_what_it_was_told_to(steps: list[tuple[int, int]]) -> None:
    tape, whole = Tape(), np.zeros(0, np.float32)
    for size, before in steps:
        more = np.arange(len(whole), len(whole) + size, dtype=np.float32)
        whole = np.concatenate((whole, more))
        tape.append(more)
        tape.forget(before)
        assert tape.first <= max(before, tape.first) and tape.end == len(whole)
        assert np.array_equal(tape.between(tape.first, tape.end), whole[tape.first :])
    with pytest.raises(IndexError):
        tape.between(tape.first, tape.end + 1)


@given(st.lists(st.floats(width=32, allow_nan=True, allow_infinity=True), min_size=1))
def test_the_grid_is_what_a_file_of_16_bits_keeps(values: list[float]) -> None:
    grid = to_grid(np.array(values, np.float32))
    file = io.BytesIO()
    soundfile.write(file, grid, 16_000, format="WAV", subtype="PCM_16")
    file.seek(0)
    assert np.array_equal(soundfile.read(file, dtype="float32")[0], grid)
    assert np.array_equal(to_grid(grid), grid)

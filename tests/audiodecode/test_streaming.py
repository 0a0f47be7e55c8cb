"""Blocks of a recording, as librosa cuts them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import librosa
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audiodecode import UnreadableError, load, stream
from tests.audiodecode.sounds import RATE, by_libsndfile, by_pyav, speech


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("streaming")
    stereo = np.stack([speech(seconds=0.5), -speech(seconds=0.5)], axis=1)
    for name in ("WAV", "FLAC", "OGG"):
        (folder / name).write_bytes(by_libsndfile(name, stereo))
    return {path.name: path for path in folder.iterdir()}


@settings(max_examples=60, deadline=None)
@given(
    format=st.sampled_from(["WAV", "FLAC", "OGG"]), frame=st.sampled_from([100, 512]), hop=st.sampled_from([64, 100]),
    frames=st.sampled_from([1, 3, 10]), mono=st.booleans(), fill=st.sampled_from([None, 0.0]),
    offset=st.sampled_from([0.0, 0.1]), duration=st.sampled_from([None, 0.2, 3.0]),
)  # fmt: skip
def test_blocks_are_librosa_s(
    paths: dict[str, Path], format: str, frame: int, hop: int, frames: int, mono: bool, fill: float | None,
    offset: float, duration: float | None,
) -> None:  # fmt: skip
    assume(fill is None or duration != 3.0)  # there librosa goes on in silence
    theirs = list(librosa.stream(
        paths[format], block_length=frames, frame_length=frame, hop_length=hop, mono=mono, offset=offset,
        duration=duration, fill_value=fill,
    ))  # fmt: skip
    size = frame + (frames - 1) * hop
    ours = list(stream(
        paths[format], size, frames * hop, mono=mono, offset=offset, duration=duration, fill_value=fill
    ))  # fmt: skip
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("make", [lambda: by_libsndfile("MP3"), lambda: by_pyav("m4a")])
def test_blocks_are_the_whole(make: object) -> None:
    content = make()  # type: ignore[operator]
    np.testing.assert_array_equal(np.concatenate(list(stream(content, 1_000))), load(content, sr=None)[0])


def test_an_hour_is_read_in_the_memory_of_a_block(tmp_path: Path) -> None:
    path = tmp_path / "hour.wav"
    header = by_libsndfile("WAV", speech()[:0])[:40]
    with path.open("wb") as file:
        file.write(header + (3_600 * RATE * 2).to_bytes(4, "little"))
        file.truncate(44 + 3_600 * RATE * 2)
    tracemalloc.start()
    assert sum(map(len, stream(path, RATE))) == 3_600 * RATE
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6


def test_arguments_and_files_that_cannot_be_are_said(tmp_path: Path) -> None:
    for block, hop in ((0, None), (10, 11), (10, 0)):
        with pytest.raises(ValueError, match="block and hop"):
            stream(b"", block, hop)
    (tmp_path / "text").write_bytes(b"hello " * 99)
    with pytest.raises(UnreadableError, match="text: not audio"):
        list(stream(tmp_path / "text", 10))

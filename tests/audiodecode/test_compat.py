"""librosa's functions, ours behind them, and their own again."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import librosa
import numpy as np
import pytest
import soundfile

import audiodecode
from audiodecode.compat import compare_backends, patch_librosa, unpatch_librosa
from tests.audiodecode.sounds import by_libsndfile

NAMES = ("load", "get_duration", "get_samplerate", "stream")
KEPT = {name: (getattr(librosa, name),) for name in NAMES}
"""In tuples, where no patch reaches them."""


@pytest.fixture(autouse=True)
def user() -> Iterator[ModuleType]:
    """A module that imported ``load`` before, under a name of its own."""
    module = ModuleType("a_user_of_librosa")
    module.read = KEPT["load"][0]  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    yield module
    unpatch_librosa()
    del sys.modules[module.__name__]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "clip.wav").write_bytes(by_libsndfile("WAV"))
    return tmp_path / "clip.wav"


def held(name: str) -> set[object]:
    return {getattr(place, name) for place in (librosa, librosa.core, librosa.core.audio)}


def test_every_way_to_a_function_is_patched_and_restored(user: ModuleType) -> None:
    for _ in range(2):
        for _ in range(2):
            patch_librosa()
        for name in NAMES:
            assert held(name) != {KEPT[name][0]} and len(held(name)) == 1
        assert {user.read} == held("load")
        user.later = librosa.load  # type: ignore[attr-defined]
        for _ in range(2):
            unpatch_librosa()
        assert all(held(name) == {KEPT[name][0]} for name in NAMES)
        assert user.read is user.later is KEPT["load"][0]


def test_a_context_undoes_what_it_did_alone() -> None:
    with pytest.raises(KeyError), patch_librosa():
        with patch_librosa():
            pass
        assert held("load") != {KEPT["load"][0]}
        raise KeyError
    assert held("load") == {KEPT["load"][0]}
    patch_librosa()
    with patch_librosa():
        pass
    assert held("load") != {KEPT["load"][0]}


def counted(name: str, function: Callable[..., Any], asked: list[str]) -> Callable[..., Any]:
    def call(*positional: Any, **named: Any) -> Any:
        asked.append(name)
        return function(*positional, **named)

    return call


def test_ours_are_called_and_give_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = {"block_length": 5, "frame_length": 512, "hop_length": 128}
    expected = librosa.load(path)[0], librosa.get_duration(path=path), list(librosa.stream(path, **blocks))
    asked = list[str]()
    for name in ("load", "duration", "info", "stream"):
        function = getattr(audiodecode, name)
        monkeypatch.setattr(audiodecode, name, counted(name, function, asked))
    with patch_librosa():
        np.testing.assert_array_equal(librosa.load(path)[0], expected[0])
        np.testing.assert_array_equal(librosa.load(bytes(path))[0], expected[0])
        np.testing.assert_array_equal(librosa.load(io.BytesIO(path.read_bytes()))[0], expected[0])
        assert librosa.get_duration(path=path) == expected[1]
        assert librosa.get_samplerate(path) == 16_000
        for one, other in zip(librosa.stream(path, **blocks), expected[2], strict=True):
            np.testing.assert_array_equal(one, other)
    assert asked == ["load", "load", "load", "duration", "info", "info", "stream"]


def test_what_is_not_ours_is_left_to_librosa(path: Path, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_bytes(b"hello " * 99)
    with patch_librosa():
        assert len(librosa.load(soundfile.SoundFile(path), sr=None)[0]) == 32_000
        assert librosa.get_duration(y=np.zeros(8_000), sr=8_000) == 1.0
        with pytest.raises(FileNotFoundError):
            librosa.load(tmp_path / "nothing.wav")
        with pytest.raises(TypeError, match="rate"):
            librosa.load(path, rate=8_000)
        with pytest.warns(UserWarning, match="audioread"), pytest.raises(Exception, match=r"^$"):
            librosa.load(tmp_path / "text.wav")


def test_a_comparison_prints_what_it_returns(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("audiodecode.compat._cold", lambda module, _: {"librosa": 2.0, "audiodecode": 0.1}[module])
    found = compare_backends(path, iterations=3, sr=None)
    assert found["equal"] and found["correlation"] == pytest.approx(1) and found["length_difference"] == 0
    assert found["largest_difference"] == 0 and found["iterations"] == 3
    assert 0 < found["speedup_low"] <= found["speedup"] <= found["speedup_high"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"librosa: {found['librosa_ms']:.3g}ms" and lines[1].startswith("AudioDecode: ")
    assert lines[2].startswith("Speedup: ") and lines[3] == "Correlation: 1.000000"
    assert "(20.0x)" in lines[-1]
    with pytest.raises(ValueError, match="iterations"):
        compare_backends(path, iterations=1)


def test_the_cold_start_is_that_of_a_new_process(path: Path) -> None:
    from audiodecode.compat import _cold

    assert 0.001 < _cold("audiodecode", path) < 300

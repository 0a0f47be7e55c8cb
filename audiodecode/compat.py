"""``librosa`` with this package's decoders behind its own functions, for as long as it is wanted; and a comparison.

``patch_librosa()`` replaces ``librosa.load``, ``get_duration``, ``get_samplerate`` and ``stream`` wherever a module
holds them under any name: in librosa, and where they were imported from it before. It cannot reach what is no
attribute of a module: a function kept in a closure, a default argument, a class or an instance, ``functools.partial``,
and processes that are running already, such as those of a pool; patch in the pool's initializer for them.

What audiodecode does not take (a SoundFile, an audioread object, a file that it cannot read) goes to librosa, which
reads it or raises the errors that its callers know.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from threading import RLock
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

import audiodecode

_LOAD = frozenset(("sr", "mono", "offset", "duration", "dtype", "res_type"))
_STREAM = frozenset(("mono", "offset", "duration", "fill_value", "dtype"))
_OURS = (audiodecode.UnreadableError, ImportError, OSError, TypeError, ValueError)


def patch_librosa() -> _Patched:
    """Put audiodecode behind librosa's functions; a second time does nothing.

    As a context manager (``with patch_librosa(): ...``) it is undone at the end, unless it had been done before.
    Raises ImportError where librosa is not installed.
    """
    return _Patched(_PATCH.put())


def unpatch_librosa() -> None:
    """Put librosa's own functions back, in every module that holds ours; where nothing is patched, do nothing."""
    _PATCH.take_back()


class _Patched:
    """What ``patch_librosa`` returns."""

    def __init__(self, new: bool) -> None:
        self._new = new

    def __enter__(self) -> _Patched:
        return self

    def __exit__(self, *_: object) -> None:
        if self._new:
            unpatch_librosa()


class _Patch:
    """The one of this process: modules belong to it, too."""

    def __init__(self) -> None:
        self._lock = RLock()
        self._pairs: list[tuple[Callable[..., Any], Callable[..., Any]]] = []

    def put(self) -> bool:
        """Whether it was not in place yet. One in place is extended to modules that were imported since."""
        from librosa.core import audio

        with self._lock:
            new = not self._pairs
            if new:
                self._pairs = [
                    (getattr(audio, make.__name__[1:]), make(getattr(audio, make.__name__[1:]))) for make in _MAKERS
                ]
            _exchange(self._pairs)
            return new

    def take_back(self) -> None:
        with self._lock:
            _exchange([(ours, theirs) for theirs, ours in self._pairs])
            self._pairs = []


def _exchange(pairs: list[tuple[Callable[..., Any], Callable[..., Any]]]) -> None:
    """In all modules, each first function for its second. Attributes that a module makes when asked are not made."""
    new = {id(old): replacement for old, replacement in pairs}
    for module in list(sys.modules.values()):
        for name, value in list(getattr(module, "__dict__", {}).items()):
            if id(value) in new and module is not sys.modules[__name__]:
                setattr(module, name, new[id(value)])


def _load(theirs: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def load(path: Any, **options: Any) -> Any:
        if options.keys() <= _LOAD and (readable := _readable(path)) is not None:
            try:
                return audiodecode.load(readable, **options)
            except _OURS:
                _rewind(path)
        return theirs(path, **options)

    return load


def _get_duration(theirs: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def get_duration(**options: Any) -> Any:
        path = options.get("path")
        if path is not None and "filename" not in options and (readable := _readable(path)) is not None:
            try:
                return audiodecode.duration(readable)
            except _OURS:
                _rewind(path)
        return theirs(**options)

    return get_duration


def _get_samplerate(theirs: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def get_samplerate(path: Any) -> Any:
        if (readable := _readable(path)) is not None:
            try:
                return audiodecode.info(readable).rate
            except _OURS:
                _rewind(path)
        return theirs(path)

    return get_samplerate


def _stream(theirs: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(theirs)
    def stream(path: Any, *, block_length: int, frame_length: int, hop_length: int, **options: Any) -> Any:
        lengths = (block_length, frame_length, hop_length)
        usual = all(isinstance(each, (int, np.integer)) and each > 0 for each in lengths) and hop_length <= frame_length
        silence = options.get("fill_value") is not None and options.get("duration")  # librosa's may outlast the file
        if usual and not silence and options.keys() <= _STREAM and (readable := _readable(path)) is not None:
            options["duration"] = options.get("duration") or None
            size = frame_length + (block_length - 1) * hop_length
            try:
                audiodecode.info(readable)
                return audiodecode.stream(readable, size, block_length * hop_length, **options)
            except _OURS:
                _rewind(path)
        named = {"block_length": block_length, "frame_length": frame_length, "hop_length": hop_length}
        return theirs(path, **named, **options)

    return stream


_MAKERS = (_load, _get_duration, _get_samplerate, _stream)
_PATCH = _Patch()


def _readable(path: Any) -> Any:
    """What audiodecode takes of what librosa takes; None for the rest. Bytes are a path there."""
    if isinstance(path, bytes):
        return os.fsdecode(path)
    if isinstance(path, (str, os.PathLike)):
        return path
    return path if hasattr(path, "read") and hasattr(path, "readinto") and hasattr(path, "tell") else None


def _rewind(path: Any) -> None:
    if hasattr(path, "seek"):
        path.seek(0)


def compare_backends(path: str | os.PathLike[str], iterations: int = 5, **options: Any) -> dict[str, Any]:
    """Load a file with librosa and with audiodecode, print how they compare, and return it.

    Warm times are of ``iterations`` rounds in this process, one call of each in turn, after one that is not counted;
    the ratio is the geometric mean of theirs, with Student's 95 % interval of its logarithm. Cold is one process of
    each, from its imports on. ``options`` are those of ``load``. Raises ValueError for fewer than two rounds.
    """
    if iterations < 2:
        raise ValueError(f"iterations must be 2 or more, for there to be an interval, not {iterations}")
    import librosa

    patched = _PATCH
    theirs_load = next((theirs for theirs, _ in patched._pairs), librosa.load)
    loaders = (functools.partial(theirs_load, path, **options), functools.partial(audiodecode.load, path, **options))
    (theirs, rate), (ours, our_rate) = (each() for each in loaders)
    times = np.array([[_timed(each) for each in loaders] for _ in range(iterations)])
    ratio, low, high = _ratio(times)
    result = {
        "librosa_ms": float(np.median(times[:, 0])) * 1e3,
        "audiodecode_ms": float(np.median(times[:, 1])) * 1e3,
        "speedup": ratio,
        "speedup_low": low,
        "speedup_high": high,
        "iterations": iterations,
        "librosa_cold_ms": _cold("librosa", path) * 1e3,
        "audiodecode_cold_ms": _cold("audiodecode", path) * 1e3,
        **_differences(theirs, ours, rate == our_rate),
    }
    print(_described(result))
    return result


def _timed(call: Callable[[], object]) -> float:
    begin = perf_counter()
    call()
    return perf_counter() - begin


def _cold(module: str, path: str | os.PathLike[str]) -> float:
    """Seconds that a new process takes to import and to load once, as it measures them itself."""
    code = (
        "import sys, time; begin = time.perf_counter(); sys.path[:0] = sys.argv[2:];"
        f"import {module}; {module}.load(sys.argv[1]); print(time.perf_counter() - begin)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, os.fspath(path), *sys.path],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout.split()[-1])


def _ratio(times: NDArray[np.float64]) -> tuple[float, float, float]:
    """How many times longer the first takes than the second, and its 95 % interval."""
    from scipy.stats import t

    logs = np.log(times[:, 0] / times[:, 1])
    half = float(t.ppf(0.975, len(logs) - 1)) * float(logs.std(ddof=1)) / len(logs) ** 0.5
    return tuple(float(np.exp(logs.mean() + shift)) for shift in (0, -half, half))  # type: ignore[return-value]


def _differences(theirs: NDArray[Any], ours: NDArray[Any], same_rate: bool) -> dict[str, Any]:
    common = min(theirs.shape[-1], ours.shape[-1])
    one, two = (np.asarray(each[..., :common], np.float64).ravel() for each in (theirs, ours))
    comparable = one.shape == two.shape and common > 0
    varied = comparable and one.std() > 0 and two.std() > 0
    return {
        "equal": same_rate and bool(np.array_equal(theirs, ours)),
        "largest_difference": float(np.abs(one - two).max()) if comparable else None,
        "length_difference": ours.shape[-1] - theirs.shape[-1],
        "correlation": float(np.corrcoef(one, two)[0, 1]) if varied else (1.0 if np.array_equal(one, two) else None),
    }


def _described(result: Mapping[str, Any]) -> str:
    cold = result["librosa_cold_ms"] / result["audiodecode_cold_ms"]
    speedup = result["speedup"]
    difference, correlation = result["largest_difference"], result["correlation"]
    return "\n".join((
        f"librosa: {result['librosa_ms']:.3g}ms",
        f"AudioDecode: {result['audiodecode_ms']:.3g}ms",
        f"Speedup: {speedup:.1f}x faster" if speedup >= 1 else f"Speedup: {speedup:.2f}x, slower",
        f"Correlation: {'none' if correlation is None else format(correlation, '.6f')}",
        f"95 % interval of the speedup: {result['speedup_low']:.1f}x to {result['speedup_high']:.1f}x,"
        f" of {result['iterations']} interleaved rounds, warm",
        f"Same samples: {'yes, every one' if result['equal'] else 'no'};"
        f" largest difference {'none' if difference is None else format(difference, '.3g')},"
        f" {result['length_difference']:+d} samples long",
        f"First load of a new process: librosa {result['librosa_cold_ms']:.0f}ms, AudioDecode"
        f" {result['audiodecode_cold_ms']:.0f}ms ({cold:.1f}x): imports, once a process, not decoding",
    ))  # fmt: skip

"""Many files: ``python -m bench.loading.many WAY WORKERS`` reads those that its input names and says what it took."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any


def librosa_loop(paths: Sequence[str], workers: int) -> int:
    """One after another, as most scripts do."""
    import librosa

    return sum(len(librosa.load(path, sr=None)[0]) for path in paths)


def librosa_threads(paths: Sequence[str], workers: int) -> int:
    """librosa.load in a pool of threads, which needs no other loader."""
    from concurrent.futures import ThreadPoolExecutor

    import librosa

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(lambda path: len(librosa.load(path, sr=None)[0]), paths))


def soundfile_loop(paths: Sequence[str], workers: int) -> int:
    """One after another, without librosa."""
    import soundfile

    return sum(len(soundfile.read(path, dtype="float32")[0]) for path in paths)


def audiodecode_loop(paths: Sequence[str], workers: int) -> int:
    """One after another."""
    import audiodecode

    return sum(len(audiodecode.load(path, sr=None)[0]) for path in paths)


def audiodecode_many(paths: Sequence[str], workers: int) -> int:
    """audiodecode.load_many."""
    import audiodecode

    return sum(len(loaded.audio) for loaded in audiodecode.load_many(paths, sr=None, workers=workers))


WAYS: Mapping[str, tuple[Callable[[Sequence[str], int], int], str]] = MappingProxyType(
    {
        "librosa.load, one after another": (librosa_loop, "librosa"),
        "librosa.load, threads": (librosa_threads, "librosa"),
        "soundfile.read, one after another": (soundfile_loop, "soundfile"),
        "audiodecode.load, one after another": (audiodecode_loop, "audiodecode"),
        "audiodecode.load_many": (audiodecode_many, "audiodecode"),
    }
)
LOOP = "librosa.load, one after another"
THREADED = ("librosa.load, threads", "audiodecode.load_many")


def main() -> None:
    """The first file is read beforehand: what is loaded once is no part of it."""
    read = WAYS[sys.argv[1]][0]
    workers, paths = int(sys.argv[2]), sys.stdin.read().splitlines()
    read(paths[:1], workers)
    began, used = time.perf_counter(), _cpu()
    samples = read(paths, workers)
    timing: dict[str, Any] = {"wall": [time.perf_counter() - began], "cpu": [_cpu() - used], "samples": samples}
    print(json.dumps(timing))


def _cpu() -> float:
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in both)


if __name__ == "__main__":
    main()

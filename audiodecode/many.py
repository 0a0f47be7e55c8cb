"""Many recordings, on several threads: decoders and resamplers work outside Python's lock."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sized
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from audiodecode.files import Readable, named
from audiodecode.limits import UnreadableError
from audiodecode.loader import load

_CHUNK_BYTES, _CHUNK_FILES = 1 << 20, 32  # one task: handing one over costs as much as reading a short WAV
_AHEAD = 2  # tasks a thread that wait, done or not


class Loaded(NamedTuple):
    """A file, and its samples and their rate, or why there are none."""

    path: Readable
    audio: Any
    rate: float | None
    error: str | None


def load_many(
    paths: Iterable[Readable],
    *,
    workers: int | None = None,
    progress: Callable[[int, int | None], object] | None = None,
    **options: Any,
) -> Iterator[Loaded]:
    """``load`` each file with these ``options``; results come in the order of the paths, as they are taken.

    A file that cannot be read has an ``error``, which names it, and the rest goes on. ``workers`` are threads, by
    default one a processor; only so many files are read ahead as keep them busy. ``progress`` is called after each
    file with how many are done and how many there are, None where ``paths`` does not know. Raises ValueError,
    TypeError and ImportError for options that ``load`` does not take.
    """
    workers = _processors() if workers is None else workers
    if workers < 1:
        raise ValueError(f"workers must be 1 or more, not {workers}")
    total = len(paths) if isinstance(paths, Sized) else None
    return _in_order(iter(paths), workers, total, progress, partial(_one, options))


def _in_order(
    paths: Iterator[Readable],
    workers: int,
    total: int | None,
    progress: Callable[[int, int | None], object] | None,
    one: Callable[[Readable], Loaded],
) -> Iterator[Loaded]:
    results = map(one, paths) if workers == 1 else _parallel(paths, workers, one)
    for done, loaded in enumerate(results, 1):
        if progress:
            progress(done, total)
        yield loaded


def _parallel(paths: Iterator[Readable], workers: int, one: Callable[[Readable], Loaded]) -> Iterator[Loaded]:
    tasks, running = _chunks(paths), deque[Future[list[Loaded]]]()
    with ThreadPoolExecutor(workers, "audiodecode") as pool:
        try:
            for chunk in islice(tasks, _AHEAD * workers):
                running.append(pool.submit(_chunk, one, chunk))
            while running:
                yield from running.popleft().result()
                for chunk in islice(tasks, 1):
                    running.append(pool.submit(_chunk, one, chunk))
        finally:
            pool.shutdown(cancel_futures=True)


def _chunks(paths: Iterator[Readable]) -> Iterator[list[Readable]]:
    chunk, size = list[Readable](), 0
    for path in paths:
        chunk.append(path)
        size += _size(path)
        if size >= _CHUNK_BYTES or len(chunk) == _CHUNK_FILES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _size(path: Readable) -> int:
    """Bytes of a file; those of one that is open, or not there, count as a task."""
    if isinstance(path, (bytes, bytearray, memoryview)):
        return len(path)
    try:
        return Path(path).stat().st_size if isinstance(path, (str, os.PathLike)) else _CHUNK_BYTES
    except (OSError, ValueError):
        return _CHUNK_BYTES


def _chunk(one: Callable[[Readable], Loaded], paths: list[Readable]) -> list[Loaded]:
    return [one(path) for path in paths]


def _one(options: dict[str, Any], path: Readable) -> Loaded:
    try:
        return Loaded(path, *load(path, **options), None)
    except UnreadableError as error:
        return Loaded(path, None, None, str(error))
    except OSError as error:
        return Loaded(
            path, None, None, str(named(path, UnreadableError(f"cannot be read ({error.strerror or error})")))
        )


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

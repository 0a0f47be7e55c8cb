"""Many files to one table: pieces of work that are kept as they are done, by one process or several."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from examples.emotion.files import Row, row
from examples.emotion.names import NAMES

PIECE = 8
"""Files that are handed to a process, and kept, together."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Files that are worked on together, and where what comes of them is kept."""

    paths: tuple[str, ...]
    kept: Path


def pieces(folder: Path, paths: Sequence[str], way: str, parts: Path) -> list[Piece]:
    """The work cut up. A piece's file is named by what it is of, so a file that changed is another piece."""
    work_list = []
    for start in range(0, len(paths), PIECE):
        some = tuple(paths[start : start + PIECE])
        stamps = [(folder / path).stat() for path in some]
        what = repr((way, [(path, s.st_size, s.st_mtime_ns) for path, s in zip(some, stamps, strict=True)]))
        work_list.append(Piece(some, parts / f"{hashlib.sha256(what.encode()).hexdigest()[:24]}.npz"))
    return work_list


@contextmanager
def crew(workers: int) -> Iterator[ProcessPoolExecutor | None]:
    """Processes that are ready to work; None for one, which is this."""
    if workers == 1:
        with threadpool_limits(1):
            yield None
        return
    # The packages are imported once, by the server that the workers are forked of.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["examples.emotion.warm"])
    pool = ProcessPoolExecutor(workers, context, initializer=_quiet)
    try:
        list(pool.map(time.sleep, [0.05] * workers))  # long enough that each of them takes one
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def work(
    folder: Path, waiting: Sequence[Piece], way: str, pool: ProcessPoolExecutor | None, advance: Callable[[int], None]
) -> None:
    """Make every piece. What is finished when this is interrupted stays. ``advance`` hears of files done."""
    do = partial(_make, folder, way)
    if not pool:
        for piece in waiting:
            advance(do(piece))
        return
    for done in as_completed([pool.submit(do, piece) for piece in waiting]):
        advance(done.result())


def rows(pieces: Sequence[Piece]) -> Iterator[Row]:
    """What pieces hold, file by file, in order."""
    for piece in pieces:
        with np.load(piece.kept) as held:
            for path, seconds, rate, error, values in zip(
                held["paths"], held["seconds"], held["rates"], held["errors"], held["features"], strict=True
            ):
                yield Row(str(path), float(seconds), int(rate), values, str(error))


def write_table(table: Sequence[Row], out: Path) -> None:
    """Path, seconds, rate and the 312 features of every file, as Parquet or, where ``out`` is called so, CSV."""
    import pandas as pd

    frame = pd.DataFrame(np.array([each.features for each in table]).reshape(-1, len(NAMES)), columns=list(NAMES))
    frame.insert(0, "path", [each.path for each in table])
    frame.insert(1, "seconds", [each.seconds for each in table])
    frame.insert(2, "rate", [each.rate for each in table])
    partly = out.with_name(f"{out.name}.partly")
    if out.suffix == ".csv":
        frame.to_csv(partly, index=False)
    else:
        frame.to_parquet(partly, index=False)
    partly.replace(out)


def cpu_seconds(pieces: Sequence[Piece]) -> float:
    """Processor time that pieces took, in whichever process."""
    total = 0.0
    for piece in pieces:
        with np.load(piece.kept) as held:
            total += float(held["cpu_s"])
    return total


def _make(folder: Path, way: str, piece: Piece) -> int:
    began = time.process_time()
    table = [row(folder, path, way) for path in piece.paths]
    partly = piece.kept.with_suffix(f".{os.getpid()}")
    with partly.open("wb") as file:
        np.savez(
            file,
            paths=np.array([each.path for each in table]),
            seconds=np.array([each.seconds for each in table]),
            rates=np.array([each.rate for each in table]),
            errors=np.array([each.error for each in table]),
            features=np.array([each.features for each in table]),
            cpu_s=time.process_time() - began,
        )
    partly.replace(piece.kept)
    return len(table)


def _quiet() -> None:
    """Ctrl-C is the parent's to hear, and a worker has one thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threadpool_limits(1)

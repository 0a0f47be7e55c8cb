"""A loader in a process of its own: asked by lines of JSON, it loads, times and answers so.

``python -m bench.loading.child LOADER``.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.loading.loaders import LOADERS, Calls

SAMPLES = 5
"""Timings of a call in a round."""
LEAST_S, LONG_S = 0.004, 0.25
"""Calls are repeated until a timing takes the first; of one that takes the second, once is enough."""
HARNESS = "the harness"
CUT = (0.4, 0.2)
"""A slice: where it begins and how long it is, as shares of the file."""


def main() -> None:
    """Answer until input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a decoder prints is no answer
    name = sys.argv[1]
    calls = None if name == HARNESS else LOADERS[name].make()
    answers.write("ready\n")
    answers.flush()
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            reply = answer(name, calls, asked)
        except Exception as error:  # whatever a decoder raises is its answer
            reply = {"error": f"{type(error).__name__}: {error}"[:300]}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


def answer(name: str, calls: Calls | None, asked: Mapping[str, Any]) -> dict[str, Any]:
    """What one request is answered: timings, samples, or what reading a list of files took."""
    match asked["do"]:
        case "time":
            return timings(_call(calls, asked))
        case "evicted":
            return _evicted(_call(calls, asked), asked["path"])
        case "files":
            read = _harness() if calls is None else calls.whole
            return timings(lambda: [read(path) for path in asked["paths"]])
        case "read":
            result = _call(calls, asked)()
            samples = result[0] if isinstance(result, tuple) else np.array([result])
            if asked.get("keep"):
                np.save(asked["keep"], samples)
            plain = np.ascontiguousarray(samples)
            return {
                "sha256": hashlib.sha256(plain.data).hexdigest(),
                "samples": len(plain),
                "value": float(plain[-1:].sum()),
            }
    raise ValueError(f"cannot do {asked['do']!r}")


def timings(call: Callable[[], Any]) -> dict[str, Any]:
    """Seconds of wall and processor of one call, several times; the first call is left out where it is a short one."""
    first = _timed(call, 1)
    if first[0] > LONG_S:
        return {"wall": [first[0]], "cpu": [first[1]]}
    again = _timed(call, 1)[0]
    number = max(1, int(LEAST_S / max(again, 1e-7)))
    pairs = [_timed(call, number) for _ in range(SAMPLES)]
    return {"wall": [wall for wall, _ in pairs], "cpu": [cpu for _, cpu in pairs]}


def _timed(call: Callable[[], Any], number: int) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(number):
        call()
    return (time.perf_counter() - wall) / number, (time.process_time() - cpu) / number


def _call(calls: Calls | None, asked: Mapping[str, Any]) -> Callable[[], Any]:
    """The call that a task means."""
    path = asked["path"]
    if calls is None:
        read = _harness()
        return lambda: read(path)
    match asked["task"]:
        case "whole":
            return lambda: calls.whole(path)
        case "slice":
            start, length = (share * asked["length"] for share in CUT)
            return lambda: calls.slice(path, start, length)
        case "resampled":
            return lambda: calls.resampled(path)
        case "duration":
            return lambda: calls.duration(path)
    raise ValueError(f"no task called {asked['task']!r}")


def _harness() -> Callable[[str], Any]:
    from bench.audio import read

    return lambda path: read(Path(path))


def _evicted(call: Callable[[], Any], path: str) -> dict[str, Any]:
    """One call with the file not in memory, where the machine lets go of it."""
    call()
    with open(path, "rb") as file:  # noqa: PTH123 - its number is needed
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        try:
            os.preadv(file.fileno(), [bytearray(4096)], 0, os.RWF_NOWAIT)
            return {"error": "the file stays in memory: this machine or file system does not let go of it"}
        except BlockingIOError:
            pass
        except (OSError, AttributeError) as error:
            return {"error": f"cannot be told whether the file is in memory ({error})"}
    wall, cpu = _timed(call, 1)
    return {"wall": [wall], "cpu": [cpu]}


if __name__ == "__main__":
    main()

"""One way over all files in a process of its own: ``python -m examples.emotion.timed``, the work as JSON on its input.

Answers with a line of JSON: seconds until it was ready, for the longest file, for the features, and CPU seconds of
these; or, where a profile is asked for, seconds by stage.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from examples.emotion.table import cpu_seconds, crew, pieces, work
from examples.emotion.where import where


def main() -> None:
    """Do the work and say what it took."""
    asked = json.load(sys.stdin)
    folder, paths, way = Path(asked["folder"]), asked["paths"], asked["way"]
    whole = pieces(folder, paths, way, Path(asked["parts"]))
    with crew(asked["workers"]) as pool:
        from examples.emotion import plain

        if not pool:
            from examples.emotion import warm  # noqa: F401 - what is loaded once counts as start
        figures: dict[str, Any] = {"start_s": time.time() - psutil.Process().create_time()}

        def first() -> None:
            if way == "plain":
                plain.longest([folder / path for path in paths])

        def both() -> None:
            first()
            work(folder, whole, way, pool, lambda files: None)

        if asked["profile"]:
            work(folder, whole, way, pool, lambda files: None)
            figures["stages"] = where(both)
        else:
            began = time.perf_counter()
            first()
            figures["longest_s"] = time.perf_counter() - began
            work(folder, whole, way, pool, lambda files: None)
            figures["features_s"] = time.perf_counter() - began - figures["longest_s"]
            figures["cpu_s"] = cpu_seconds(whole)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()

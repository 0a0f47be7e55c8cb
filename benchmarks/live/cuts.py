"""What live cuts cost: accuracy on clips as they are, and as the segmenter of live use cuts them out of a stream."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.marks import open_run
from bench.records.schema import Run
from bench.stats.paired import sign_test
from bench.workers.parent import ROOT

CLEAN, LIVE = "clean", "live"
BACKENDS: Sequence[str] = (
    "mfcc-lite",
    "mfcc-svm",
    "mfcc-svm+framed",
    "whisper-probe:tiny.en",
    "whisper-closed:tiny.en",
)


def measure(folder: Path, backends: Sequence[str] = BACKENDS, settings: Sequence[str] = ()) -> dict[str, Any]:
    """Errors of each backend on each official test clip, under both. Raises BenchError."""
    out = folder / "cuts"
    command = [
        *(sys.executable, "-m", "bench", "run", "--corpus", "fsdd", "--splits", "official", "--conditions", LIVE),
        *("--backends", ",".join(backends), "--latency-clips", "0", "--throughput-s", "0", "--no-checks"),
        *("--out", str(out), *settings),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command[2:])}: {done.stderr.strip()}")
    return {"rows": rows(open_run(out))}


def rows(run: Run) -> list[dict[str, Any]]:
    """One for each backend: clips, accuracy under both, and what is lost with its interval, clustered by speaker."""
    clips = run.clips.set_index("clip")
    table = []
    for backend, predictions in run.predictions.groupby("backend", sort=False):
        wrong = predictions.pivot(index="clip", columns="condition", values="errors")
        speakers = clips["speaker"].reindex(wrong.index).tolist()
        clean, live = (wrong[name].to_numpy() for name in (CLEAN, LIVE))
        pair = sign_test(clean, live, np.ones(len(wrong), np.int64), speakers)
        table.append(
            {
                "backend": str(backend),
                "clips": len(wrong),
                "clean": 1 - float(clean.mean()),
                "live": 1 - float(live.mean()),
                "lost": pair.difference,
                "low": pair.low,
                "high": pair.high,
            }
        )
    return table

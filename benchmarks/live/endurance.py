"""A long session in real time: what was dropped, what was answered, and the memory of ``digitbench live`` by minute."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bench.audio import write
from bench.errors import BenchError
from bench.workers.parent import ROOT
from benchmarks.live.latency import ALONE
from benchmarks.live.sounds import digits

RATE = 16_000
MINUTE_S = 60.0


def measure(folder: Path, minutes: float, count: int) -> dict[str, Any]:
    """``count`` digits over and over, played in real time to all backends side by side. Memory in bytes, that of the
    session's process and of all below it, after each minute. Raises BenchError if the command fails.
    """
    path = folder / "endurance.wav"
    write(path, np.resize(digits(count, RATE).audio, round(minutes * MINUTE_S * RATE)), RATE)
    command = [sys.executable, "-m", "bench", "live", "--input", str(path), "--json", "--backends", ",".join(ALONE)]
    counts = {"utterances": 0, "answered": 0, "dropped_answers": 0, "dropped_blocks": 0}
    memory = list[dict[str, float]]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, stdin=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        due = None
        for line in process.stdout:
            event = json.loads(line)
            if event["type"] == "source":
                due = due or time.monotonic() + MINUTE_S
                counts["dropped_blocks"] += event["dropped"]
            counts["utterances"] += event["type"] == "cut" and event["final"]
            if event["type"] == "answer" and event["final"]:
                counts["answered"] += event["state"] == "answered"
                counts["dropped_answers"] += event["state"] != "answered"
            if due is not None and time.monotonic() >= due:
                due += MINUTE_S
                memory.append(_memory(psutil.Process(process.pid)))
    if process.returncode:
        raise BenchError(f"{' '.join(command[2:])}: ended with {process.returncode}")
    return {"minutes": minutes, "backends": len(ALONE), "memory": memory, **counts}


def _memory(session: psutil.Process) -> dict[str, float]:
    workers = session.children(recursive=True)
    return {"session": session.memory_info().rss, "workers": sum(each.memory_info().rss for each in workers)}

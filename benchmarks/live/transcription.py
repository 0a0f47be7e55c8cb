"""Text after the end of speech: ``digitbench stream`` in real time and on the virtual clock, LibriSpeech joined."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from bench.audio import write
from bench.errors import BenchError
from bench.workers.parent import ROOT
from benchmarks.live.sounds import sentences

RATE = 16_000
SHORT, STOCK = "whisper-short:tiny.en", "faster-whisper:tiny.en"


def measure(folder: Path, data: Path, paced_s: float, virtual_s: float) -> dict[str, Any]:
    """Summaries and final lines by backend and clock."""
    runs = list[dict[str, Any]]()
    for backend, seconds, paced in ((SHORT, paced_s, True), (SHORT, virtual_s, False), (STOCK, virtual_s, False)):
        recording = sentences(data, seconds)
        path = folder / f"sentences-{seconds:g}.wav"
        write(path, recording.audio, RATE)
        lines = transcribed(path, backend, paced)
        first = dict[int, float]()
        for line in lines:
            if line["type"] == "partial":
                first.setdefault(line["utterance"], line["at_s"] - line["start_s"])
        keys = ("utterance", "start_s", "end_s", "delay_s", "revisions", "partials")
        finals = [{key: line[key] for key in keys} for line in lines if line["type"] == "final"]
        (summary,) = (line for line in lines if line["type"] == "summary")
        runs.append(
            {
                "backend": backend,
                "paced": paced,
                "summary": summary,
                "finals": finals,
                "first_partial_s": list(first.values()),
            }
        )
    return {"runs": runs}


def transcribed(path: Path, backend: str, paced: bool) -> list[dict[str, Any]]:
    """What the command prints. Raises BenchError if it fails."""
    command = [
        sys.executable,
        "-m",
        "bench",
        "stream",
        str(path),
        "--backend",
        backend,
        *(["--paced"] if paced else []),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command[2:])}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]

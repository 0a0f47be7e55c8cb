"""From the end of speech, known of the file that is played, to the label shown: ``digitbench live --json``, paced."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.audio import write
from bench.errors import BenchError
from bench.workers.parent import ROOT
from benchmarks.live.sounds import digits, matched

RATE = 48_000
ALONE: Sequence[str] = ("mfcc-lite", "whisper-probe:tiny.en", "whisper-closed:tiny.en")


def measure(folder: Path, count: int) -> dict[str, Any]:
    """Each backend by itself, then all side by side: a row for each digit and backend. Seconds."""
    recording = digits(count, RATE)
    path = folder / "digits.wav"
    write(path, recording.audio, RATE)
    rows = list[dict[str, Any]]()
    dropped = 0
    for names in (*((name,) for name in ALONE), tuple(ALONE)):
        lines = json_lines(path, names)
        cuts = {line["utterance"]: line for line in lines if line["type"] == "cut" and line["final"]}
        places = {number: matched(recording.spans, cut["onset_s"], cut["offset_s"]) for number, cut in cuts.items()}
        dropped += sum(line["dropped"] for line in lines if line["type"] == "source")
        for line in lines:
            if line["type"] != "answer" or line["state"] != "answered" or places.get(line["utterance"]) is None:
                continue
            place = places[line["utterance"]]
            assert place is not None
            shown_s = cuts[line["utterance"]]["offset_s"] + line["latency_s"]["total"]
            rows.append(
                {
                    "backends": len(names),
                    "backend": line["backend"],
                    "digit": place,
                    "final": line["final"],
                    "delay_s": shown_s - recording.spans[place][1],
                    **{f"{stage}_s": seconds for stage, seconds in line["latency_s"].items()},
                }
            )
    return {"digits": len(recording.spans), "seconds": recording.seconds, "dropped_blocks": dropped, "rows": rows}


def json_lines(path: Path, backends: Sequence[str]) -> list[dict[str, Any]]:
    """What the command prints. Raises BenchError if it fails."""
    command = [sys.executable, "-m", "bench", "live", "--input", str(path), "--json", "--backends", ",".join(backends)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise BenchError(f"{' '.join(command[2:])}: {done.stderr.strip()}")
    return [json.loads(line) for line in done.stdout.splitlines()]

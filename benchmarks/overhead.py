"""What the harness itself costs: per call, per run, and in memory as a corpus grows.

``python -m benchmarks.overhead`` prints figures, each with the bound it is held to; exit code 1 if one is broken.
The parent is the process that runs everything; the report is made by a process of its own, and does not count.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.audio import write
from bench.records.read import read_records
from benchmarks.arguments import count

RATE, SAMPLES = 8_000, 400


@dataclass(frozen=True, slots=True)
class Cost:
    """One run of the whole command: seconds, and the parent's peak memory in bytes."""

    wall_s: float
    peak_bytes: int


def main() -> None:
    """Make the corpora, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=count, default=2_000, help="clips of the small corpus")
    parser.add_argument("--large", type=count, default=200_000, help="clips of the large corpus")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        root = Path(folder)
        small, large = (generate(root / str(count), count) for count in (arguments.small, arguments.large))
        held = [_per_call(small, root / "timed")]
        costs = [_run(corpus, root / f"{corpus.name}-run", "--latency-clips", "0") for corpus in (small, large)]
        held += [_growth(costs, (arguments.small, arguments.large)), _per_run(root / "whole")]
    sys.exit(0 if all(held) else 1)


def generate(folder: Path, count: int) -> Path:
    """``count`` clips of noise, 50 ms each, ten labels, the first thousand of them for training."""
    folder.mkdir()
    random = np.random.default_rng(0)
    with (folder / "clips.csv").open("w") as listing:
        listing.write("path,label,speaker,split\n")
        for number in range(count):
            name = f"{number % 1000:03}/{number}.wav"
            if number < 1000:
                (folder / f"{number:03}").mkdir()
            write(folder / name, random.normal(0, 0.1, SAMPLES).astype(np.float32), RATE)
            listing.write(f"{name},{number % 10},s{number % 7},{'train' if number < 1000 else 'test'}\n")
    return folder


def _per_call(corpus: Path, out: Path) -> bool:
    _run(corpus, out, "--latency-clips", "700")
    timed = read_records(out).latency.query("not warmup")
    micros = 1e6 * (timed["resample_s"] + timed["predict_s"])
    print(f"latency of `chance`: p50 {micros.median():.2f}, p99 {micros.quantile(0.99):.2f} microseconds (bound: 50)")
    return bool(micros.quantile(0.99) <= 50)


def _growth(costs: list[Cost], counts: tuple[int, int]) -> bool:
    first, second = costs
    growth = (second.peak_bytes - first.peak_bytes) / 1e6
    print(f"parent's peak memory: {first.peak_bytes / 1e6:.0f} MB with {counts[0]:,} clips,")
    print(f"    {second.peak_bytes / 1e6:.0f} MB with {counts[1]:,}: {growth:+.0f} MB (bound: 100)")
    each = [1e3 * cost.wall_s / count for cost, count in zip(costs, counts, strict=True)]
    print(f"wall time per clip: {each[0]:.2f} ms with {counts[0]:,} clips, {each[1]:.2f} ms with {counts[1]:,}")
    return growth <= 100 and each[1] <= each[0]


def _per_run(folder: Path) -> bool:
    """Wall time of a run with every phase against what its backend took, one worker at a time so nothing overlaps."""
    command = [sys.executable, "-m", "bench", "run", "--jobs", "1", "--limit", "300", "--out", str(folder)]
    subprocess.run([*command, "--backends", "faster-whisper:tiny.en"], check=True, capture_output=True)
    run = read_records(folder)
    calls = run.latency[["resample_s", "predict_s"]]
    starts = run.coldstart[["start_s", "import_s", "load_s", "first_s"]]
    phases = (calls.to_numpy().sum(), starts.to_numpy().sum(), run.throughput["predict_s"].sum())
    busy_s = run.info["busy_s"] + float(sum(phases))
    ratio = run.info["wall_s"] / busy_s
    print(f"wall time of a run over what its backend took: {run.info['wall_s']:.1f} / {busy_s:.1f} s")
    print(f"    = {ratio:.3f} (bound: 1.10); checks and loading for them count as the harness's own")
    return bool(ratio <= 1.10)


def _run(corpus: Path, out: Path, *extra: str) -> Cost:
    brief = ("--no-checks", "--processes", "1", "--throughput-s", "0", "--threads", "1", "--backends", "chance")
    command = [sys.executable, "-m", "bench", "run", "--corpus", f"folder:{corpus}", "--splits", "official", *brief]
    began = time.monotonic()
    process = subprocess.Popen([*command, "--out", str(out), *extra], stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _high_water(process.pid))
        time.sleep(0.02)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return Cost(time.monotonic() - began, peak)


def _high_water(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024 if "VmHWM" in fields else 0


if __name__ == "__main__":
    main()

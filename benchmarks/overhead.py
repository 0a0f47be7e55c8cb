"""What the harness itself costs: per call, per run, and in memory as a corpus grows.

``python -m benchmarks.overhead`` prints three figures, each with the bound it is held to.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.audio import write
from bench.records import read_run

RATE, SAMPLES = 8_000, 400


@dataclass(frozen=True, slots=True)
class Cost:
    """One run of the whole command: seconds, and the parent's peak memory in bytes."""

    wall_s: float
    peak_bytes: int


def main() -> None:
    """Make the corpora, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=2_000, help="clips of the small corpus")
    parser.add_argument("--large", type=int, default=200_000, help="clips of the large corpus")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        root = Path(folder)
        small, large = (generate(root / str(count), count) for count in (arguments.small, arguments.large))
        _per_call(small, root / "timed")
        first = _run(small, root / "small", "--latency-clips", "0")
        second = _run(large, root / "large", "--latency-clips", "0")
    growth = (second.peak_bytes - first.peak_bytes) / 1e6
    print(f"parent's peak memory: {first.peak_bytes / 1e6:.0f} MB with {arguments.small:,} clips,")
    print(f"    {second.peak_bytes / 1e6:.0f} MB with {arguments.large:,}: {growth:+.0f} MB (bound: 100)")
    each = [1e3 * cost.wall_s / count for cost, count in ((first, arguments.small), (second, arguments.large))]
    print(
        f"wall time per clip: {each[0]:.2f} ms with {arguments.small:,} clips, {each[1]:.2f} ms with the large corpus"
    )
    _per_run()


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


def _per_call(corpus: Path, out: Path) -> None:
    _run(corpus, out, "--latency-clips", "700")
    timed = read_run(out).latency.query("not warmup")
    micros = 1e6 * (timed["resample_s"] + timed["predict_s"])
    print(f"latency of `chance`: p50 {micros.median():.2f}, p99 {micros.quantile(0.99):.2f} microseconds (bound: 50)")


def _per_run() -> None:
    """Wall time of predicting against what the backend itself took, one worker at a time so that nothing overlaps."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [*_digitbench(), "--jobs", "1", "--limit", "300", "--backends", "faster-whisper:tiny.en"]
        subprocess.run([*command, "--latency-clips", "0", "--out", str(out)], check=True, capture_output=True)
        info = json.loads((out / "run.json").read_text())
    ratio = info["wall_s"] / info["busy_s"]
    print(f"wall time of a run over what its backend took: {info['wall_s']:.1f} / {info['busy_s']:.1f} s")
    print(f"    = {ratio:.3f} (bound: 1.10)")


def _run(corpus: Path, out: Path, *extra: str) -> Cost:
    command = [*_digitbench(), "--corpus", f"folder:{corpus}", "--splits", "official", "--backends", "chance"]
    began = time.monotonic()
    process = subprocess.Popen([*command, "--out", str(out), *extra], stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _high_water(process.pid))
        time.sleep(0.02)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit code {process.returncode}")
    return Cost(time.monotonic() - began, peak)


def _digitbench() -> list[str]:
    brief = ("--no-checks", "--coldstart", "0", "--throughput-s", "0", "--threads", "1")
    return [sys.executable, "-m", "bench", "run", *brief]


def _high_water(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmHWM"].split()[0]) * 1024 if "VmHWM" in fields else 0


if __name__ == "__main__":
    main()

"""``python -m benchmarks.live`` measures what is live, into results/live: 45 minutes on two idle cores, 30 of them a
session in real time.

Each part is a file of ``records/`` that is taken over when it is there; ``--again`` measures anew. Needs
DIGITBENCH_DATA, and the models that ship.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.errors import BenchError
from bench.machine import describe_machine
from benchmarks.live import cuts, detection, endurance, interference, latency, transcription
from benchmarks.live.report import markdown
from benchmarks.speech import data_folder

COMMAND = "make live-bench"


def main() -> None:
    """Measure what is not there yet, then write the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/live"), help="folder of the report")
    parser.add_argument("--again", action="store_true", help="measure all parts anew")
    parser.add_argument("--only", default="", metavar="A,B", help="parts to measure")
    parser.add_argument("--small", action="store_true", help="a tenth of everything, to see that it works")
    arguments = parser.parse_args()
    try:
        report = measure(
            arguments.out, arguments.again, arguments.only.split(",") if arguments.only else [], arguments.small
        )
    except BenchError as error:
        sys.exit(f"error: {error}")
    print(report)


def measure(out: Path, again: bool, only: list[str], small: bool) -> str:
    """The report, which is written too. Raises BenchError."""
    data = data_folder()
    records = out / "records"
    records.mkdir(parents=True, exist_ok=True)
    share = 0.1 if small else 1.0
    with TemporaryDirectory() as name:
        folder = Path(name)
        parts: dict[str, Callable[[], dict[str, Any]]] = {
            "detection": lambda: detection.measure(data, round(60 * share)),
            "latency": lambda: latency.measure(folder, round(50 * share)),
            "interference": lambda: interference.measure(folder, max(8, round(24 * share))),
            "cuts": lambda: cuts.measure(folder, settings=("--limit", "300") if small else ()),
            "endurance": lambda: endurance.measure(folder, 30 * share, 60),
            "transcription": lambda: transcription.measure(folder, data, 120 * share, 300 * share),
        }
        if unknown := [name for name in only if name not in parts]:
            raise BenchError(f"--only {unknown[0]}: the parts are {', '.join(parts)}")
        for part, run in parts.items():
            path = records / f"{part}.json"
            if (only and part not in only) or (path.exists() and not again):
                continue
            print(f"measuring {part}", file=sys.stderr, flush=True)
            _write(path, json.dumps({"small": small, **run()}, indent=1))
    if again or not (records / "machine.json").exists():
        _write(records / "machine.json", json.dumps(describe_machine(), indent=1))
    raw = {path.stem: json.loads(path.read_text()) for path in sorted(records.glob("*.json"))}
    report = markdown(raw, COMMAND)
    _write(out / "report.md", report)
    return report


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f"{path.name}.part")
    partial.write_text(text)
    partial.replace(path)


if __name__ == "__main__":
    main()

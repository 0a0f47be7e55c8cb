"""What compression costs in words and saves in work: ``python -m benchmarks.compression [dev|test]``.

Needs ``DIGITBENCH_DATA``. Hears what results/compression/records lacks (all of the test part: about 25 minutes on two
idle cores; it may be stopped and started again), then writes tables, plots and report.md. To measure anew, delete the
records of that part.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from bench.errors import BenchError
from bench.report.embed import embedded
from benchmarks.arguments import count
from benchmarks.lines import pack_lines
from benchmarks.speech import data_folder

SITTINGS = {"one": 1, "joined": 1, "silent": 1, "two": 2, "base": 1}
"""And their threads."""


def main() -> None:
    """Hear and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=("dev", "test"), default="test")
    parser.add_argument("--out", type=Path, default=Path("results/compression"))
    parser.add_argument("--sittings", default=",".join((*SITTINGS, "folder")), help="some of them, with commas")
    parser.add_argument("--every", type=count, default=1, help="only every so-manieth clip, for trying it out")
    parser.add_argument("--page", type=Path, help="a page whose marks `compression` the tables are put between")
    parser.add_argument("--report", action="store_true", help="from the records alone, hearing nothing")
    arguments = parser.parse_args()
    sittings = arguments.sittings.split(",")
    if unknown := sorted({*sittings} - {*SITTINGS, "folder"}):
        parser.error(f"--sittings: no {', '.join(unknown)}; there are {', '.join((*SITTINGS, 'folder'))}")
    try:
        data = data_folder()
    except BenchError as error:
        sys.exit(f"error: {error}")
    records = arguments.out / "records" / arguments.part
    records.mkdir(parents=True, exist_ok=True)
    for sitting in () if arguments.report else sittings:
        if sitting == "folder":
            from benchmarks.compression.folder import measure

            measure(arguments.part, records / "folder.jsonl", arguments.every)
            continue
        threads = str(SITTINGS[sitting])
        command = (sys.executable, "-m", "benchmarks.compression.sitting", sitting, arguments.part, threads)
        rest = (str(records / f"{sitting}.jsonl"), str(arguments.every))
        print(f"{sitting}, {arguments.part}", flush=True)
        subprocess.run((*command, *rest), check=True, env={**os.environ, "OMP_NUM_THREADS": threads})
    for sitting in () if arguments.report else sittings:
        pack_lines(records / f"{sitting}.jsonl")
    from benchmarks.compression.report import write
    from benchmarks.compression.sitting import items

    made = write(arguments.out, arguments.part, {name: items(name, data, arguments.part) for name in SITTINGS})
    if arguments.page:
        arguments.page.write_text(embedded(arguments.page.read_text(), made, "compression"), encoding="utf-8")


if __name__ == "__main__":
    main()

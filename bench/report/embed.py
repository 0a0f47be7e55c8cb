"""Put a run's summary table into a Markdown file, between two marks, so that the file cannot drift from the run.

``python -m bench.report.embed README.md results/fsdd``
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.errors import BenchError
from bench.records import read_run
from bench.report.document import replace_text, summary_markdown

BEGIN, END = "<!-- summary: begin -->", "<!-- summary: end -->"


def embedded(text: str, summary: str) -> str:
    """``text`` with what stands between the marks replaced. Raises BenchError if it has not one pair of them."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in after:
        raise BenchError(f"it takes one {BEGIN} and one {END} after it")
    return f"{before}{BEGIN}\n{summary.strip()}\n{END}{after}"


def main() -> None:
    """Embed and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("run", type=Path)
    arguments = parser.parse_args()
    text = arguments.file.read_text()
    replace_text(arguments.file, embedded(text, summary_markdown(read_run(arguments.run))))


if __name__ == "__main__":
    main()

"""Put what a run says into a Markdown file, between two marks, so that the file cannot drift from the run.

``python -m bench.report.embed README.md results/fsdd brief`` puts the summary in six columns between
``<!-- brief: begin -->`` and ``<!-- brief: end -->``; ``summary`` is the whole of it, ``robustness`` what noise does. A
page that takes several runs has marks of another name, which comes last.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from bench.errors import BenchError
from bench.marks import open_run
from bench.records.schema import Run
from bench.report.build import brief_markdown, replace_text, robustness_markdown, summary_markdown

PARTS: Mapping[str, Callable[[Run], str]] = MappingProxyType(
    {"summary": summary_markdown, "brief": brief_markdown, "robustness": robustness_markdown}
)


def embedded(text: str, content: str, part: str = "summary") -> str:
    """``text`` with what stands between a part's marks replaced. Raises BenchError if it has not one pair of them."""
    opening, closing = (f"<!-- {part}: {side} -->" for side in ("begin", "end"))
    before, begin, rest = text.partition(opening)
    _, end, after = rest.partition(closing)
    if not (begin and end) or opening in after:
        raise BenchError(f"it takes one {opening} and one {closing} after it")
    return f"{before}{opening}\n{content.strip()}\n{closing}{after}"


def main() -> None:
    """Embed and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("part", nargs="?", choices=PARTS, default="summary")
    parser.add_argument("mark", nargs="?", help="the marks' name, if it is not the part's")
    arguments = parser.parse_args()
    content, mark = PARTS[arguments.part](open_run(arguments.run)), arguments.mark or arguments.part
    replace_text(arguments.file, embedded(arguments.file.read_text(), content, mark))


if __name__ == "__main__":
    main()

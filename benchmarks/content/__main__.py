"""Measure content analysis: ``python -m benchmarks.content``; what is measured already is taken from its raw data.

Writes report.md and raw/*.jsonl, a line a recording, and puts the summary into docs/content.md where asked.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.report.build import replace_text
from bench.report.embed import embedded
from benchmarks.arguments import count
from benchmarks.content import deletions, planted, words
from benchmarks.content.report import report, summary
from benchmarks.lines import append_lines, read_lines
from benchmarks.speech import Utterance, data_folder, spread, utterances

OUT = Path("results/content")
EVERY = 25


def main() -> None:
    """Measure what is missing, then write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--part", choices=("dev", "test"), default="test", help="dev to choose, test to report")
    parser.add_argument("--clips", type=count, help="of each measurement, for a trial; the whole part otherwise")
    parser.add_argument("--docs", type=Path, help="a page to put the summary into")
    arguments = parser.parse_args()
    try:
        raw = measure(data_folder(), arguments.part, arguments.out / "raw", arguments.clips)
        replace_text(arguments.out / "report.md", report(arguments.part, raw))
        if arguments.docs:
            page = arguments.docs.read_text()
            replace_text(arguments.docs, embedded(page, summary(raw), "content"))
    except BenchError as error:
        sys.exit(f"error: {error}")


def measure(data: Path, part: str, raw: Path, most: int | None) -> dict[str, list[dict[str, Any]]]:
    """Rows by name, measured where the files of ``raw`` lack them."""
    every = spread(utterances(data, part))[:most]
    # words need official text and speakers: LibriSpeech; its clips are all of the test part
    timed = spread(utterances(data, part, ("librispeech" if part == "test" else "librispeech_train100",)))[:most]
    recordings = partial(_planted, data, part, None if most is None else most)
    return {
        "planted": _resumed(raw / "planted.jsonl", ("clip", "noise", "snr_db"), recordings),
        "kinds": _resumed(raw / "kinds.jsonl", ("noise",), lambda have: [] if have else planted.kinds_told(data, part)),
        "words": _resumed(raw / "words.jsonl", ("clip",), partial(_of_clips, timed, words.timed)),
        "deletions": _resumed(raw / "deletions.jsonl", ("clip",), partial(_of_clips, every, deletions.costs)),
    }


Have = set[tuple[Any, ...]]


def _resumed(
    path: Path, key: Sequence[str], missing: Callable[[Have], Iterable[dict[str, Any]]]
) -> list[dict[str, Any]]:
    rows = read_lines(path)
    for number, row in enumerate(missing({tuple(row[name] for name in key) for row in rows}), 1):
        append_lines(path, [row])
        rows.append(row)
        if number % EVERY == 0:
            print(f"{path.stem}: {len(rows)}", file=sys.stderr)
    return rows


def _planted(data: Path, part: str, most: int | None, have: Have) -> Iterable[dict[str, Any]]:
    for number, recording in enumerate(planted.planted(data, part)):
        if most is not None and number >= most:
            return
        if (recording.name, recording.noise, recording.snr_db) not in have:
            yield planted.measured(recording)


def _of_clips(
    clips: Sequence[Utterance], measured: Callable[[Sequence[Utterance]], Iterable[dict[str, Any]]], have: Have
) -> Iterable[dict[str, Any]]:
    missing = [clip for clip in clips if (clip.id,) not in have]
    return measured(missing) if missing else []


if __name__ == "__main__":
    main()

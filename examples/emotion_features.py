"""The 312 features of a speech-emotion project for every file of a folder, as a table, without computing any twice.

    python -m examples.emotion_features recordings features.parquet
    python -m examples.emotion_features recordings features.csv --way plain --workers 1
    python -m examples.emotion_features recordings comparison --compare --files 4 --rounds 1

``--way exact`` (the usual) equals ``--way plain``, which is how the project does it, to the last bit; ``close`` agrees
to six digits. Ctrl-C keeps what is done; the same command goes on from there. ``--compare`` times the ways against each
other and writes tables, a bar chart of where the time goes and what follows to a folder.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from rich.console import Console

from bench.audio import ENDINGS
from bench.progress import Reporter, reporter
from bench.signals import stoppable
from examples.emotion.files import HIGHEST_BAND, RESAMPLED, WAYS, Row
from examples.emotion.table import crew, pieces, rows, work, write_table


def main() -> int:
    """Exit code: 0, or 1 where files have no features, or 2 where arguments are wrong, or 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="recordings, in folders of any depth")
    parser.add_argument("out", type=Path, help="a table, .parquet or .csv; with --compare a folder")
    parser.add_argument("--way", choices=WAYS, default="exact")
    parser.add_argument("--workers", type=int, help="processes  [default: one a processor; 1 for plain]")
    parser.add_argument("--files", type=int, help="only so many files")
    parser.add_argument("--compare", action="store_true", help="time the ways against each other")
    parser.add_argument("--rounds", type=int, default=5, help="of --compare")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder}: no such folder")
    if not arguments.compare and arguments.out.suffix not in (".parquet", ".csv"):
        parser.error(f"{arguments.out}: call the table .parquet or .csv")
    for name in ("workers", "files", "rounds"):
        if (value := getattr(arguments, name)) is not None and value < 1:
            parser.error(f"--{name} {value}: at least 1 is needed")
    paths = recordings(arguments.folder)[: arguments.files]
    if not paths:
        parser.error(f"{arguments.folder}: no recordings in it")
    say = reporter(Console(stderr=True))
    if arguments.compare:
        from examples.emotion.compare import compare

        say.say(f"comparison: {compare(arguments.folder, paths, arguments.out, arguments.rounds, say)}")
        return 0
    plain = arguments.way == "plain"
    workers = arguments.workers or (1 if plain else len(os.sched_getaffinity(0)))
    table = extract(arguments.folder, paths, arguments.out, arguments.way, workers, say)
    without = [each for each in table if each.error]
    for each in without:
        say.say(f"{arguments.folder / each.path}: {each.error}")
    return 1 if without else 0


def recordings(folder: Path) -> list[str]:
    """Paths of sound files in a folder, relative to it."""
    files = (path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in files)


def extract(folder: Path, paths: list[str], out: Path, way: str, workers: int, say: Reporter) -> list[Row]:
    """Make the table at ``out`` and return what is in it, and the files of which there are no features."""
    parts = out.with_name(f"{out.name}.parts")
    parts.mkdir(parents=True, exist_ok=True)
    whole = pieces(folder, paths, way, parts)
    waiting = [piece for piece in whole if not piece.kept.exists()]
    if len(waiting) < len(whole):
        say.say(f"going on: {len(whole) - len(waiting)} of {len(whole)} pieces are there")
    if way == "plain":
        from examples.emotion.plain import longest

        say.say(f"longest file: {longest([folder / path for path in paths]):.2f} s")
    else:
        say.say(describe(folder, paths))
    try:
        with crew(workers) as pool, say.task(f"features, {way}", sum(len(piece.paths) for piece in waiting)) as advance:
            work(folder, waiting, way, pool, advance)
    except KeyboardInterrupt:
        say.say(f"stopped; what is done is kept in {parts}, the same command goes on from there")
        raise
    table = list(rows(whole))
    write_table([each for each in table if not each.error], out)
    shutil.rmtree(parts)
    if low := sum(0 < each.rate <= 2 * HIGHEST_BAND for each in table):
        say.say(
            f"{low} files are sampled at {2 * HIGHEST_BAND:,.0f} Hz or less and were resampled to {RESAMPLED:,}: the"
            f" highest band of spectral contrast begins at {HIGHEST_BAND:,.0f} Hz, above half their rate"
        )
    say.say(f"{out}: {sum(not each.error for each in table)} files")
    return table


def describe(folder: Path, paths: list[str]) -> str:
    """How long all files and the longest are, by their headers; files without a readable one are no part of it."""
    import audiodecode

    lengths = []
    for path in paths:
        try:
            lengths.append(audiodecode.duration(folder / path))
        except Exception:  # said when it is read
            continue
    return f"{len(lengths)} files, {sum(lengths):,.1f} s, the longest {max(lengths, default=0):.2f} s"


if __name__ == "__main__":
    with stoppable():
        sys.exit(main())

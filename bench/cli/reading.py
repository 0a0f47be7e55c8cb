"""Commands that read a run's records: report, compare, recommend, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.cli.base import FAILED, RunFolder, app, echo, path_argument
from bench.terminal import write


@app.command()
def report(
    run: RunFolder,
    html: Annotated[
        bool, typer.Option("--html", help="Also plots/ and report.html, with every error to hear.")
    ] = False,
) -> None:
    """Make report.md and tables/*.csv anew from a run's records."""
    from bench.publish import write_page, write_report

    echo(write_report(run))
    if html:
        page, silent = write_page(run)
        if silent:
            echo(f"note: without sound: {silent}", err=True)
        echo(page)


@app.command()
def compare(
    before: Annotated[Path, path_argument("The run to compare with: its folder.")],
    after: Annotated[Path, path_argument("The run to judge.")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of Markdown.")] = False,
    force: Annotated[bool, typer.Option(help="Judge latency across machines and sessions too.")] = False,
) -> None:
    """Is AFTER worse than BEFORE? Exit code 0: no worse, 1: worse, 2: cannot be compared."""
    from bench.compare import compare as difference
    from bench.marks import open_run
    from bench.records.read import consistent

    with consistent(before, after):
        comparison = difference(open_run(before), open_run(after), force=force)
    write(comparison.json()) if json else echo(*comparison.markdown().splitlines())
    raise typer.Exit(comparison.exit_code)


@app.command()
def recommend(
    run: RunFolder = Path("results/fsdd"),
    max_ms: Annotated[float | None, typer.Option(min=0, help="Per clip: warm p50, on the most cores timed.")] = None,
    p95: Annotated[bool, typer.Option("--p95", help="Let --max-ms limit the p95.")] = False,
    max_mb: Annotated[float | None, typer.Option(min=0, help="Of the model.")] = None,
    max_ram_mb: Annotated[float | None, typer.Option(min=0, help="Of memory above an idle process.")] = None,
    max_cold_s: Annotated[float | None, typer.Option(min=0, help="To a fresh process's first answer.")] = None,
    min_accuracy: Annotated[float | None, typer.Option(min=0, max=100, help="Per cent.")] = None,
    new: Annotated[bool, typer.Option("--new-speakers/--known-speakers", help="Unheard in training, or heard.")] = True,
    training: Annotated[bool, typer.Option("--training/--no-training", help="Whether one can train.")] = True,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Which backend fits, and why, from a run's records. Exit code 1 if none does: the nearest miss is named."""
    from bench.marks import open_run
    from bench.recommend import Wish, choose
    from bench.records.read import consistent

    with consistent(run):
        recommendation = choose(
            open_run(run), Wish(new, training, max_ms, p95, max_mb, max_ram_mb, max_cold_s, min_accuracy)
        )
    for note in recommendation.notes:
        echo(f"note: {note}", err=True)
    write(recommendation.json().strip()) if json else echo(*recommendation.lines)
    raise typer.Exit(recommendation.exit_code)


@app.command()
def verify(run: RunFolder) -> None:
    """Make report and tables again, check the hash of all else. Exit code 1 if anything differs."""
    from bench.verify import verify as findings

    problems = findings(run)
    for line in problems:
        echo(line, err=True)
    if problems:
        raise typer.Exit(FAILED)
    echo(f"{run}: all is as it was written")

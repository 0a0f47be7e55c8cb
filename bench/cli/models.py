"""Commands that use a model: train, predict, export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.base import FAILED, app, echo, path_argument, path_option, standard_input
from bench.cli.flags import configured
from bench.config import Config
from bench.errors import BenchError
from bench.terminal import Console

ModelFile = Annotated[Path | None, path_option("A model file that `digitbench train` wrote.", "--model")]
ModelClass = Annotated[
    str | None, typer.Option("--backend", help="A zero-shot backend; or, with --model, its class: FILE.py:Class.")
]


@app.command()
@configured("corpus", "data", "pattern", "strict", "seed")
def train(
    config: Config,
    backend: Annotated[str, typer.Argument(help="A trained backend: mfcc-svm, mfcc-svm+noise, FILE.py:Class.")],
    out: Annotated[Path, path_option("The model file to write.")],
    split: Annotated[str | None, typer.Option(help="Leave out the test clips of `official` or `mixed`.")] = None,
) -> None:
    """Fit a backend on a whole corpus (or a split's training part) and save the model."""
    from bench.progress import reporter
    from bench.recogniser import train_model

    done = train_model(replace(config, backends=(backend,)), out, split, reporter(Console(stderr=True, emoji=False)))
    echo(*done.corpus.remarks, err=True)
    size = f"{out.stat().st_size / 1e3:,.0f} kB"
    echo(f"{out}: {backend} fitted on {done.clips:,} clips in {done.seconds:.1f} s, {size}")
    if done.corpus.rejected:
        raise typer.Exit(FAILED)


@app.command()
@configured()
def predict(
    config: Config,
    files: Annotated[list[Path], path_argument("Recordings; - is one from standard input.")],
    model: ModelFile = None,
    backend: ModelClass = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
    reject: Annotated[
        bool, typer.Option("--reject/--no-reject", help="Say `not a digit` where certainty is too low, or guess.")
    ] = True,
) -> None:
    """Recognise recordings: label, the three best scores, and milliseconds, by the best model that ships and is ready
    unless another is named. Exit code 1 if one could not be heard."""
    from bench.recogniser import recognise

    failed = False
    for answer in recognise(config, model, backend, files, standard_input, reject):
        failed |= answer.error is not None
        typer.echo(answer.json() if json else answer.line(), err=answer.error is not None and not json)
    if failed:
        raise typer.Exit(FAILED)


@app.command()
@configured()
def export(
    config: Config,
    out: Annotated[Path, path_option("The file to write.")],
    model: Annotated[Path | None, path_argument("A model file that `digitbench train` wrote.")] = None,
    model_: ModelFile = None,
    backend: ModelClass = None,
) -> None:
    """Write a model for other programs: mfcc-lite as ONNX, samples at 8 kHz in, scores out."""
    from bench.recogniser import export_model

    if model and model_:
        raise BenchError("a model is given twice, as an argument and by --model; leave one of them out")
    export_model(config, model or model_, backend, out)
    echo(f"{out}: {out.stat().st_size / 1e3:,.0f} kB")

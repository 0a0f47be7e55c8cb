"""Commands that listen: live, stream."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bench.cli.base import FAILED, app, echo, path_argument, path_option, standard_input
from bench.cli.flags import configured
from bench.config import Config

Vad = Annotated[str, typer.Option(help="What tells speech: silero, energy, or auto, silero where it is installed.")]


@app.command()
@configured()
def live(
    config: Config,
    backends: Annotated[str, typer.Option(metavar="A,B", help="Backends that need no training, by name.")] = "",
    models: Annotated[
        list[Path] | None, path_option("A model file that `digitbench train` wrote; again for more.", "--model")
    ] = None,
    device: Annotated[str | None, typer.Option(help="The microphone, by name or a part of it.")] = None,
    list_devices: Annotated[bool, typer.Option("--list-devices", help="Print the microphones there are.")] = False,
    recording: Annotated[
        Path | None, path_option("A recording in place of a microphone, in real time.", "--input")
    ] = None,
    push: Annotated[bool, typer.Option("--push", help="Listen between two presses of ENTER alone.")] = False,
    vad: Vad = "auto",
    save: Annotated[Path | None, path_option("A folder for what is said and heard: a corpus.", "--save")] = None,
    speaker: Annotated[str, typer.Option(help="Who speaks, for what is saved.")] = "",
    replay: Annotated[
        Path | None, path_option("Hear a saved folder again. Exit code 1 if a score differs.", "--replay")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Listen to a microphone: every backend answers side by side, with what its answer took."""
    from bench.live import terminal

    names = tuple(filter(None, (name.strip() for name in backends.split(","))))
    if list_devices:
        for line in terminal.device_lines():
            echo(line)
    elif replay is not None:
        if terminal.replay_lines(config, names, models or (), replay, json, echo):
            raise typer.Exit(FAILED)
    else:
        terminal.live(config, names, models or (), device, recording, push, vad, save, speaker, json)


@app.command()
@configured()
def stream(
    config: Config,
    file: Annotated[Path, path_argument("A recording; - is standard input, WAV or raw 16-bit mono.")],
    backend: Annotated[str, typer.Option(help="Any that transcribes.")] = "whisper-short:tiny.en",
    paced: Annotated[bool, typer.Option("--paced", help="At the pace of its samples, not as fast as can be.")] = False,
    rate: Annotated[
        int | None, typer.Option(min=1_000, max=768_000, help="Hz of raw samples.  [default: 16000]")
    ] = None,
    vad: Vad = "auto",
    hangover_s: Annotated[float, typer.Option(min=0.1, max=5.0, help="Silence that ends a sentence.")] = 0.32,
    partials: Annotated[bool, typer.Option("--partials/--no-partials", help="Text before its sentence ends.")] = True,
) -> None:
    """Transcribe as it is spoken: lines of JSON, partial and final, with the delay after the end of speech."""
    from bench.live.streaming import stream_file

    if stream_file(
        config,
        file,
        backend,
        lambda: os.fdopen(standard_input().fileno(), "rb", closefd=False),
        paced,
        rate,
        vad,
        hangover_s,
        partials,
    ):
        raise typer.Exit(FAILED)

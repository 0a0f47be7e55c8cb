"""What the command ``digitbench live`` does with its arguments."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.config import Config
from bench.errors import BenchError
from bench.live import microphone
from bench.live.candidates import candidates
from bench.live.lanes import open_lanes
from bench.live.listening import Listening, listen
from bench.live.replay import replay
from bench.live.source import Recording, Source
from sound.activity import NAMES


def device_lines() -> list[str]:
    """The microphones there are, the system's own choice marked. Raises BenchError where PortAudio is missing."""
    devices = microphone.devices()
    if not devices:
        microphone.choose(None)
    return [
        f"{'*' if device.default else ' '} {device.name}, {device.rate:,} Hz, channels: {device.channels}"
        for device in devices
    ]


def live(
    config: Config,
    names: Sequence[str],
    models: Sequence[Path],
    device: str | None,
    file: Path | None,
    push: bool,
    vad: str,
    save: Path | None,
    speaker: str,
    as_json: bool,
) -> None:
    """Listen until the end. Raises BenchError."""
    if vad not in NAMES:
        raise BenchError(f"--vad {vad!r}: {', '.join(NAMES)} are there")
    if file is not None and device is not None:
        raise BenchError("--device and --input: a microphone or a recording; leave one out")
    source: Source = (
        microphone.Microphone(microphone.choose(device)) if file is None else Recording(file, limits=config.limits)
    )
    listen(Listening(candidates(config, names, models), config.vocabulary, source, save, speaker, as_json, push, vad))


def replay_lines(
    config: Config,
    names: Sequence[str],
    models: Sequence[Path],
    folder: Path,
    as_json: bool,
    say: Callable[[str], None],
) -> bool:
    """Hear a saved folder again, a line for each answer; whether any differs or failed. Raises BenchError."""
    failed = False
    with open_lanes(candidates(config, names, models)) as lanes:
        lanes.wait()
        for replayed in replay(folder, lanes):
            reply, message = replayed.reply, replayed.reply.said or {}
            failed |= replayed.same is False or reply.state == "failed"
            verdict = {None: "not heard before", True: "the same", False: "differs"}[replayed.same]
            if as_json:
                content = {"file": replayed.file, "backend": reply.backend, "state": reply.state, "same": replayed.same}
                say(json.dumps(content | {name: message.get(name) for name in ("label", "text", "scores")}))
            else:
                say(f"{replayed.file}: {reply.backend} {message.get('label') or reply.state}, {verdict}")
    return failed

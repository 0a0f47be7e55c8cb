"""Running planted backends over small corpora."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.config import Config
from bench.configfile import read_config
from bench.corpora import open_corpus
from bench.progress import Advance
from bench.runfile import Finished
from bench.runner import run

PLANTED = Path(__file__).parent.parent / "planted.py"
VOCABULARY = {"0": ("zero",), "1": ("one",), "2": ("two",)}


class Silent:
    """A reporter that keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)

    @contextmanager
    def task(self, title: str, total: int) -> Iterator[Advance]:
        yield lambda steps: None

    @contextmanager
    def wait(self, title: str) -> Iterator[None]:
        yield


def planted(name: str) -> str:
    """The spec of a backend in tests/planted.py."""
    return f"{PLANTED}:{name}"


def quick(corpus: Path, *backends: str, **settings: Any) -> Config:
    """A run of seconds: predictions, and no more than is asked for."""
    brief = {"vocabulary": VOCABULARY, "latency_clips": 0, "throughput_s": 0, "checks": False}
    return read_config(None, {**brief, "corpus": f"folder:{corpus}", "backends": backends, **settings})


def carry_out(config: Config, out: Path) -> Finished:
    """Run in this process."""
    return run(config, open_corpus(config.corpus, config.vocabulary), out, "digitbench run", Silent())


def journalled(folder: Path, backend: str) -> int:
    """Lines in the journals of a backend whose run may be under way, those of the keys among them."""
    lines = 0
    for path in (folder / "records" / "predictions").glob(f"{backend}*.part"):
        with suppress(FileNotFoundError):  # a journal that became a file meanwhile
            lines += path.read_bytes().count(b"\n")
    return lines


def info(folder: Path) -> dict[str, Any]:
    """A run's run.json."""
    loaded: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return loaded

"""``python -m bench.shipped.make``: the models that ship, made anew; ``make models`` calls it.

Each is fitted on every clip of FSDD and on digits spoken by espeak-ng, on one thread: the same packages on the same
kind of processor make the same bytes. ``--check`` makes them elsewhere and says whether they are what is here.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from backends.base import Asked
from bench import tasks
from bench.cells import job, specs
from bench.clips import Clips, clips_hash
from bench.code import sha256
from bench.conditions import Resources, Treatments
from bench.config import Config
from bench.configfile import read_config
from bench.context import Context
from bench.corpora import default_cache, open_corpus
from bench.corpora.base import Corpus
from bench.corpora.synthetic import open_synthetic
from bench.errors import BenchError
from bench.names import file_name
from bench.phases.predict import fit
from bench.processor import describe_processor, kind
from bench.progress import Reporter, reporter
from bench.shipped import FOLDER, NAMES
from bench.terminal import Console
from bench.workers.parent import ROOT
from bench.workers.ready import ready

RECIPE = "recipe.json"
ACCENTS = ("en-us", "en-gb-x-rp", "en-gb-scotland", "en-029")
VARIANTS = (*(f"m{number}" for number in range(1, 9)), *(f"f{number}" for number in range(1, 6)))
VOICES = tuple("+".join(pair) for pair in product(ACCENTS, VARIANTS))
TAKES = 2
REJECT_BELOW: Mapping[str, float] = {"mfcc-lite": 0.38, "whisper-probe:tiny.en": 0.75}
"""Where 95 % of the digits of the dev recordings are accepted: results/rejection/report.md."""
LONGEST_FIT_S = 6 * 3600.0


def main() -> None:
    """Read the arguments, make the models, say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench.shipped.make", description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    parser.add_argument("--check", action="store_true", help="make them elsewhere and compare")
    parser.add_argument("--only", choices=NAMES, help="one of them")
    given = parser.parse_args()
    names = (given.only,) if given.only else NAMES
    say = reporter(Console(stderr=True, emoji=False))
    try:
        if given.check:
            with TemporaryDirectory() as folder:
                make(names, Path(folder), say)
                sys.exit(_compare(names, Path(folder), given.out))
        make(names, given.out, say)
    except BenchError as error:
        sys.exit(f"error: {error}")


def make(names: tuple[str, ...], out: Path, say: Reporter) -> None:
    """Fit each backend, write its file and what it was made of. Raises BenchError, WorkerError."""
    config = read_config(ROOT / "bench.toml", {})
    parts = corpora(config)
    clips = together(parts)
    made = _recipe(out).get("models", {})
    for name in names:
        path = out / f"{file_name(name)}.model"
        train(replace(config, backends=(name,), step_limit_s=LONGEST_FIT_S), clips, path, say)
        made[path.name] = {"backend": name, "reject_below": REJECT_BELOW[name], "sha256": sha256(path)}
    recipe = {
        "made by": "python -m bench.shipped.make",
        "clips": {
            corpus.name: {"clips": len(corpus.clips), "source": corpus.source, "sha256": _hash(corpus)}
            for corpus in parts
        },
        "voices": VOICES,
        "takes": TAKES,
        "processor": kind(describe_processor()),
        "models": dict(sorted(made.items())),
    }
    (out / RECIPE).write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")


def corpora(config: Config) -> tuple[Corpus, Corpus]:
    """All of FSDD, and the voices of espeak-ng. Raises BenchError."""
    fsdd = open_corpus("fsdd", config.vocabulary)
    return fsdd, open_synthetic(config.vocabulary, default_cache(), VOICES, TAKES)


def together(parts: tuple[Corpus, ...]) -> Clips:
    """The clips of all, those of the first first; ids and paths begin with the corpus's name."""
    tables = [
        part.clips.assign(clip=f"{part.name}/" + part.clips["clip"], path=f"{part.name}/" + part.clips["path"])
        for part in parts
    ]
    table = pd.concat(tables, ignore_index=True).rename(columns={"label": "reference"})
    return Clips(table, {part.name: part.root for part in parts})


def train(config: Config, clips: Clips, path: Path, say: Reporter) -> None:
    """Fit the configured backend on all clips, on one thread, and save it."""
    (spec,) = specs(config)
    asked = job(config, spec)
    asked = replace(asked, options={**asked.options, "reject_below": REJECT_BELOW[spec.name]})
    with TemporaryDirectory() as folder:
        treatments = Treatments.of((), Path(folder), config.seed, Resources())
        task = tasks.find(config.task)(Asked(config.task, config.vocabulary))
        context = Context(Path(folder), clips, task, say, treatments)
        with (
            ready(asked, Path(folder) / "worker.log", threads=1, prepare=True) as (worker, _),
            say.wait(f"fitting {spec.name} on {len(clips):,} clips"),
        ):
            rows = np.arange(len(clips))
            fit(worker, context, rows, rows[:0])
            worker.ask("save", path=str(path.resolve()))


def _compare(names: tuple[str, ...], made: Path, here: Path) -> int:
    """0 if all are the same."""
    differ = 0
    for file in (f"{file_name(name)}.model" for name in names):
        same = sha256(made / file) == sha256(here / file)
        print(f"{file}: {'the same bytes' if same else 'differs'}")
        differ |= not same
    return differ


def _recipe(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / RECIPE).read_bytes()))
    except (OSError, ValueError):
        return {}


def _hash(corpus: Corpus) -> str:
    return clips_hash(corpus.clips.rename(columns={"label": "reference"}))


if __name__ == "__main__":
    main()

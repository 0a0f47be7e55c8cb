"""Every backend asked about every sound, in a worker, as live use asks: what it heard and how sure it was."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa

from backends import Spec
from bench.cells import digest, job, specs
from bench.code import Present, sha256
from bench.config import Config
from bench.errors import BenchError
from bench.names import file_name
from bench.progress import Reporter
from bench.records.journal import Journal, kept, write_rows
from bench.rejection.sounds import Reader, Sounds
from bench.shipped import shipped
from bench.workers.parent import WorkerError
from bench.workers.ready import ready

SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("kind", pa.string()),
        ("part", pa.string()),
        ("label", pa.string()),
        ("heard", pa.string()),
        ("certainty", pa.float64()),
        ("scores", pa.list_(pa.float64())),
    ]
)
"""What was said, what was heard, how surely; scores in the order of the vocabulary."""


def measure(config: Config, sounds: Sounds, data: Path, out: Path, reporter: Reporter) -> dict[str, Path]:
    """By backend, the file of what it heard; those that hold are taken over, those begun are gone on with.

    Raises BenchError for a backend that fails, or needs a model of which none ships.
    """
    return {spec.name: _measured(config, spec, sounds, data, out, reporter) for spec in specs(config)}


def _measured(config: Config, spec: Spec, sounds: Sounds, data: Path, out: Path, reporter: Reporter) -> Path:
    model = shipped(spec.name)
    asked = job(config, spec)
    path = out / "records" / f"{file_name(spec.name)}.parquet"
    listed = [asdict(sound) for sound in sounds.listed]
    vocabulary = {label: list(spoken) for label, spoken in config.vocabulary.items()}
    key = digest(spec, asked.options, vocabulary, sha256(model) if model else "", listed)
    if _holds(path, key, reporter):
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    log = out / "logs" / f"{file_name(spec.name)}.log"
    log.parent.mkdir(exist_ok=True)
    try:
        with (
            ready(asked, log, threads=1, model=model, prepare=True) as (worker, facts),
            Journal(path.with_suffix(".part"), key) as journal,
            reporter.task(spec.name, len(listed)) as advance,
        ):
            if facts["trained"] and model is None:
                raise BenchError(f"{spec.name}: no model of it ships, and rejection is of models that do")
            advance(journal.done)
            read = Reader(data)
            for sound in sounds.listed[journal.done :]:
                audio, rate = read(sound, facts["context_s"])
                samples = base64.b64encode(audio.astype("<f4").tobytes()).decode()
                reply = worker.ask("listen", samples=samples, rate=rate, reject=False)
                if "problem" in reply:
                    raise BenchError(f"{spec.name}: {sound.id}: {reply['problem']}")
                journal.append(_row(asdict(sound), reply, config), worker.code)
                advance(1)
            journal.code.merge(**worker.code.facts())
            write_rows(path, journal.rows(), SCHEMA, key, journal.code.facts())
    except WorkerError as error:
        raise BenchError(f"{spec.name}: {error}") from error
    journal.discard()
    return path


def _row(sound: Mapping[str, Any], reply: Mapping[str, Any], config: Config) -> dict[str, Any]:
    scores = reply["scores"]
    return {
        **{name: sound[name] for name in ("id", "kind", "part", "label")},
        "heard": reply["label"],
        "certainty": reply["certainty"],
        "scores": [scores[label] for label in config.vocabulary] if scores else None,
    }


def _holds(path: Path, key: str, reporter: Reporter) -> bool:
    try:
        record = kept(path)
    except BenchError as error:
        reporter.say(f"{error}; it is measured anew")
        return False
    return record is not None and record.key == key and not Present().changed(record.facts)

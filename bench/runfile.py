"""``run.json``: what was run, on what, and how it ended; and the clip table beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from bench.cells import Known, digest
from bench.clips import clips_hash
from bench.code import Code
from bench.config import Config
from bench.corpora.base import Corpus
from bench.phases.latency import Failure
from bench.phases.leaks import Check
from bench.phases.predict import Outcome
from bench.printable import printable
from bench.records.journal import replace_file, write_tables
from bench.records.schema import CLIPS, SCHEMA, SPLITS

MOST_LABELS = 200
"""References that run.json lists: all labels of a vocabulary, but not every sentence of a corpus."""


@dataclass(frozen=True, slots=True)
class Finished:
    """Everything there is to say about a run besides its records."""

    config: Config
    corpus: Corpus
    clips: pd.DataFrame
    splits: pd.DataFrame
    impossible: Mapping[str, str]
    machine: Mapping[str, Any]
    command: str
    began: float
    ended: float
    earlier_s: tuple[float, ...]
    """Seconds that earlier sittings of the same run took."""
    git: Mapping[str, Any]
    packages: Mapping[str, str]
    """Code and packages as the run began."""
    backends: tuple[Known, ...]
    descriptions: Mapping[str, Mapping[str, Any]]
    """By backend: settings, parameters and artifacts of those that loaded."""
    outcomes: tuple[Outcome, ...]
    checks: tuple[Check, ...]
    failures: tuple[Failure, ...]


def write_manifest(done: Finished, folder: Path) -> None:
    """Write ``clips.parquet``, ``splits.parquet`` and ``run.json`` into a run's folder, each in one step."""
    key = clips_hash(done.clips)
    for name, frame, schema in (("clips", done.clips, CLIPS), ("splits", done.splits, SPLITS)):
        table = pa.Table.from_pandas(frame[schema.names], schema, preserve_index=False)
        write_tables(folder / f"{name}.parquet", iter([table]), schema, key)
    partial = folder / "run.json.part"
    partial.write_text(json.dumps(_contents(done, folder), indent=1, default=str) + "\n")
    replace_file(partial, folder / "run.json")


def _contents(done: Finished, folder: Path) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "name": folder.name,
        "command": done.command,
        "started": _timestamp(done.began),
        "finished": _timestamp(done.ended),
        "wall_s": round(done.ended - done.began, 1),
        "earlier_wall_s": [round(seconds, 1) for seconds in done.earlier_s],
        "busy_s": round(sum(outcome.busy_s for outcome in done.outcomes), 1),
        "testing_only": done.config.limit is not None,
        "notice": done.corpus.notice,
        "config": asdict(done.config),
        "corpus": _corpus(done),
        "vocabulary": done.config.vocabulary,
        "machine": done.machine,
        "git": done.git,
        "packages": done.packages,
        "backends": [_backend(known, done.descriptions.get(known.name, {}), done.outcomes) for known in done.backends],
        "cells": [_cell(outcome) for outcome in done.outcomes],
        "checks": [asdict(check) for check in done.checks],
        "failures": [asdict(failure) for failure in done.failures],
    }


def _corpus(done: Finished) -> dict[str, Any]:
    clips = done.clips
    return {
        "name": done.corpus.name,
        "source": done.corpus.source,
        **_counts(clips),
        "sha256": clips_hash(clips),
        "rejected": [{"path": printable(each.path), "reason": printable(each.reason)} for each in done.corpus.rejected],
        "left_out": [asdict(left_out) for left_out in done.corpus.left_out],
        "impossible_splits": dict(done.impossible),
        "parts": {part: _part(corpus, part, clips) for part, corpus in done.corpus.parts.items()},
    }


def _part(corpus: Corpus, part: str, clips: pd.DataFrame) -> dict[str, Any]:
    """One of several corpora; its hash is the one it has by itself, but for the names of joined speakers."""
    rows = clips[clips["clip"].str.startswith(f"{part}/")]
    rows = rows.assign(clip=rows["clip"].str.removeprefix(f"{part}/"))
    return {"name": corpus.title, "source": corpus.source, **_counts(rows), "sha256": clips_hash(rows)}


def _counts(clips: pd.DataFrame) -> dict[str, Any]:
    return {
        "clips": len(clips),
        "speakers": int(clips["speaker"].nunique()),
        "audio_s": round(float((clips["samples"] / clips["sample_rate"]).sum()), 3),
        "sample_rates": sorted(int(rate) for rate in clips["sample_rate"].unique()),
        "labels": sorted(clips["reference"].unique())[:MOST_LABELS],
    }


def _backend(known: Known, description: Mapping[str, Any], outcomes: Iterable[Outcome]) -> dict[str, Any]:
    artifacts = description.get("artifacts", known.artifacts)
    code = Code()
    for facts in (known.code, *(each.code for each in outcomes if each.cell.backend.name == known.name)):
        code.merge(facts.get("modules", {}), {})
    modules = code.facts()["modules"]
    return {
        "name": known.name,
        "trained": known.trained,
        "clips": known.clips,
        "options": dict(known.job.options),
        "settings": description.get("settings", {}),
        "artifacts": list(artifacts),
        "model_bytes": sum(artifact["bytes"] for artifact in artifacts) if artifacts else None,
        "parameters": description.get("parameters"),
        "install_bytes": known.install_bytes,
        "packages": dict(known.packages),
        "source_sha256": digest(modules),
        "modules": modules,
    }


def _cell(outcome: Outcome) -> dict[str, Any]:
    cell = outcome.cell
    return {
        "backend": cell.backend.name,
        "condition": cell.condition,
        "split": cell.fold.split if cell.fold else None,
        "fold": cell.fold.name if cell.fold else None,
        "file": cell.file,
        "key": cell.key,
        "status": "failed" if outcome.reason else "done",
        "reason": outcome.reason,
        "busy_s": round(outcome.busy_s, 3),
        "fit_s": None if outcome.fit_s is None else round(outcome.fit_s, 3),
        "processor": outcome.processor,
    }


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

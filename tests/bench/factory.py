"""Runs made up in memory, whose every figure is known."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.marks import marked
from bench.records.schema import (
    CLIPS,
    COLDSTART,
    KEY,
    LATENCY,
    PREDICTIONS,
    RESOURCES,
    SCHEMA,
    SPLITS,
    THROUGHPUT,
    Records,
    Run,
)

LABELS = ("0", "1", "2")
SPEAKERS = ("ann", "bob", "cid")
TAKES = 10
MACHINE = {
    "cpu": "Test CPU",
    "cores": 2,
    "memory_bytes": 8_000_000_000,
    "os": "TestOS",
    "python": "3.11",
    "governor": None,
    "boot_time": 1_000.0,
    "load_1m": 0.1,
    "busy": False,
}


def clips(labels: Sequence[str] = LABELS, speakers: Sequence[str] = SPEAKERS, takes: int = TAKES) -> pd.DataFrame:
    """Every label by every speaker, ``takes`` times; takes 0 and 1 are the official test."""
    rows = [(label, speaker, take) for label in labels for speaker in speakers for take in range(takes)]
    return pd.DataFrame(
        {
            "clip": [f"{label}_{speaker}_{take}" for label, speaker, take in rows],
            "path": [f"{label}_{speaker}_{take}.wav" for label, speaker, take in rows],
            "reference": [label for label, _, _ in rows],
            "speaker": [speaker for _, speaker, _ in rows],
            "sample_rate": 8000,
            "samples": 4000,
            "sha256": [f"{i:064x}" for i in range(len(rows))],
            "sex": None,
            "part": None,
            "content": None,
        }
    )


def splits(table: pd.DataFrame, names: Sequence[str] = ("official", "mixed", "loso")) -> pd.DataFrame:
    """Takes 0 and 1 are the official test; of five takes, one is the test of mixed and one its validation part."""
    take = table["clip"].str.rpartition("_")[2].astype(int)
    parts = {
        "official": table[take < 2].assign(fold="test", part="test"),
        "cross": table[take < 2].assign(fold="test", part="test"),
        "mixed": table[take % 5 < 2].assign(
            fold="test", part=np.where(take[take % 5 < 2] % 5 == 0, "test", "validation")
        ),
        "loso": table.assign(fold=table["speaker"], part="test"),
        "all": table.assign(fold="test", part="test"),
    }
    listed = [parts[name].assign(split=name)[list(SPLITS.names)] for name in names]
    return pd.concat(listed, ignore_index=True) if listed else pd.DataFrame(columns=list(SPLITS.names))


def official(table: pd.DataFrame) -> pd.DataFrame:
    """The clips of the official test."""
    return table[table["clip"].str.rpartition("_")[2].astype(int) < 2]


def heard(
    table: pd.DataFrame,
    backend: str,
    wrong: Sequence[str] = (),
    silent: Sequence[str] = (),
    of: Sequence[str | None] = (None,),
    texts: bool = False,
    scores: bool = False,
) -> pd.DataFrame:
    """Predictions right but for the clips ``wrong`` (heard as the next label) and ``silent`` (no digit)."""
    labels = sorted(table["reference"].unique())
    parts = []
    for split in of:
        own, folds = table, None
        if split is not None:
            tested = splits(table, [split]).query("part == 'test'").set_index("clip")["fold"]
            own, folds = table[table["clip"].isin(tested.index)], tested
        after = {label: labels[(i + 1) % len(labels)] for i, label in enumerate(labels)}
        predicted = [
            None if clip in silent else after[label] if clip in wrong else label
            for clip, label in zip(own["clip"], own["reference"], strict=True)
        ]
        part = own[["clip"]].assign(backend=backend, condition="clean", split=split, facts=None)
        part["fold"] = None if folds is None else own["clip"].map(folds)
        part["label"] = pd.Series(predicted, index=own.index, dtype=object)
        part["text"] = [label or "Bye." for label in predicted] if texts else None
        given = [[np.float32(0.9 if x == label else 0.05) for x in labels] if scores else None for label in predicted]
        part["scores"] = pd.Series(given, index=own.index, dtype=object)
        parts.append(part.assign(resample_s=0.001, predict_s=0.001))
    return pd.concat(parts, ignore_index=True)[list(PREDICTIONS.names)]


def timings(
    latencies: Mapping[str, float],
    calls: int = 200,
    threads: Sequence[int] = (1, 2),
    audio_s: float = 0.5,
    noise: float = 0.05,
    seed: int = 0,
) -> pd.DataFrame:
    """Interleaved calls in rounds of ten clips, after one slow warm-up each. A tenth of the time is resampling."""
    rng = np.random.default_rng(seed)
    rows = []
    for count in threads:
        rows += [(name, count, 0, -1, "warm", True, audio_s, 9.0, np.nan, np.nan, 9.0) for name in latencies]
        for call in range(calls):
            for name, seconds in latencies.items():
                s = seconds * float(np.exp(noise * rng.normal()))
                clip = f"clip{call % 10}"
                rows.append((name, count, 0, call // 10, clip, False, audio_s, 0.1 * s, np.nan, 0.3 * s, 0.9 * s))
    return pd.DataFrame(rows, columns=LATENCY.names)


def run(
    predictions: pd.DataFrame,
    table: pd.DataFrame | None = None,
    latency: pd.DataFrame | None = None,
    folder: Path = Path("run"),
    ran: Sequence[str] | pd.DataFrame = ("official", "mixed", "loso"),
    **info: Any,
) -> Run:
    """A whole run around the predictions, marked. ``info`` overrides keys of run.json."""
    table = clips() if table is None else table
    latency = timings({}) if latency is None else latency
    names = sorted({*predictions["backend"], *latency["backend"]})
    trained = set(predictions[predictions["split"].notna()]["backend"])
    cells = predictions[["backend", "condition", "split", "fold"]].drop_duplicates().astype(object)
    cells = cells.where(cells.notna(), None)
    described: dict[str, Any] = {
        "schema": SCHEMA,
        "name": "made-up",
        "command": "digitbench run made-up",
        "started": "2026-01-01T00:00:00Z",
        "finished": "2026-01-01T00:01:00Z",
        "wall_s": 60.0,
        "busy_s": 58.0,
        "testing_only": False,
        "notice": "",
        "config": {"seed": 0, "splits": ["official", "mixed", "loso"], "threads": [1, 2]},
        "corpus": {
            "name": "toy",
            "source": "memory",
            "clips": len(table),
            "speakers": int(table["speaker"].nunique()),
            "audio_s": 0.5 * len(table),
            "labels": sorted(table["reference"].unique()),
            "sha256": "c" * 64,
            "rejected": [],
            "impossible_splits": {},
        },
        "vocabulary": {label: [label] for label in sorted(table["reference"].unique())},
        "machine": MACHINE,
        "git": {"commit": "abc", "dirty": False},
        "packages": {"numpy": "2"},
        "backends": [
            {
                "name": name,
                "trained": name in trained,
                "clips": "all",
                "settings": {"beam": 1},
                "artifacts": [{"name": "model.bin", "bytes": 2_000_000, "sha256": "a" * 64}],
                "model_bytes": 2_000_000,
                "parameters": 1000,
                "install_bytes": 5_000_000,
                "source_sha256": "b" * 64,
            }
            for name in names
        ],
        "cells": [
            {
                "backend": cell["backend"],
                "condition": cell["condition"],
                "split": cell["split"],
                "fold": cell["fold"],
                "file": f"records/predictions/{i}.parquet",
                "key": "k",
                "status": "done",
                "reason": "",
                "fit_s": 1.0,
                "busy_s": 1.0,
            }
            for i, cell in enumerate(cells.to_dict("records"))
        ],
        "failures": [],
    }
    described.update(info)
    measured = list(dict.fromkeys(latency["backend"]))
    coldstart = [(name, 2, i, 0.1, 0.2, 0.3, 0.5 + i / 10) for name in measured for i in range(5)]
    throughput = [(name, 2, batch, 64, 32.0, 6.4 / batch) for name in measured for batch in (1, 2, 4)]
    resources = [(name, threads, 0, 150_000_000, 50_000_000) for name in measured for threads in (1, 2)]
    made = Records(
        folder,
        described,
        table,
        ran if isinstance(ran, pd.DataFrame) else splits(table, ran),
        predictions,
        latency,
        pd.DataFrame(coldstart, columns=COLDSTART.names),
        pd.DataFrame(throughput, columns=THROUGHPUT.names),
        pd.DataFrame(resources, columns=RESOURCES.names),
    )
    return marked(made)


def save(made: Run, folder: Path) -> Path:
    """Write a run as the harness would."""
    (folder / "records" / "predictions").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(made.info))
    keys = ["backend", "condition", "split", "fold"]
    groups = made.predictions.groupby(keys, dropna=False, sort=False)
    for cell, (_, rows) in zip(made.info["cells"], groups, strict=True):
        _write(rows, PREDICTIONS.with_metadata({KEY: cell["key"]}), folder / cell["file"])
    _write(made.clips, CLIPS, folder / "clips.parquet")
    _write(made.splits, SPLITS, folder / "splits.parquet")
    for name, schema in (
        ("latency", LATENCY),
        ("coldstart", COLDSTART),
        ("throughput", THROUGHPUT),
        ("resources", RESOURCES),
    ):
        _write(getattr(made, name), schema, folder / "records" / f"{name}.parquet")
    return folder


def _write(frame: pd.DataFrame, schema: pa.Schema, path: Path) -> None:
    pq.write_table(pa.Table.from_pandas(frame, schema=schema, preserve_index=False), path)

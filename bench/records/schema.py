"""What a run writes down: the schema of every file.

A run is a folder::

    run.json                what was run, on what, with which outcome
    clips.parquet           every clip used
    splits.parquet          which fold of which split tests it
    records/predictions/    one file per finished cell: backend x condition x fold
    records/latency.parquet, coldstart.parquet, throughput.parquet, resources.parquet

All times are seconds, all sizes bytes. A report is a function of these files alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from bench.tasks.base import Task

SCHEMA = 3
"""Of run.json and of all records; 1 had a column per split, and answers in place of what a backend said; 2 had of all
facts the decoder's tokens alone."""
KEY = b"digitbench.key"
"""Metadata of a file of predictions: the key of the cell they were made for."""
FACTS = b"digitbench.facts"
"""Metadata: JSON of what is known about the records, such as the code that made them."""
_SECONDS = pa.float64()

CLIPS = pa.schema(
    [
        ("clip", pa.string()),
        ("path", pa.string()),
        ("reference", pa.string()),
        ("speaker", pa.string()),
        ("sample_rate", pa.int32()),
        ("samples", pa.int64()),
        ("sha256", pa.string()),
        ("sex", pa.string()),
        ("part", pa.string()),
        ("content", pa.map_(pa.string(), pa.float64())),
    ]
)
"""sex: "F" or "M"; part: of the corpus, such as "dev"; content: what was measured of a clip's sound, by name, where the
task wants it (:mod:`bench.describe`). Null where unknown, and in older records."""

SPLITS = pa.schema([("split", pa.string()), ("fold", pa.string()), ("clip", pa.string()), ("part", pa.string())])
"""The clips that a fold tests ("test") or chooses hyper-parameters on ("validation"): it trains on all others."""

PREDICTIONS = pa.schema(
    [
        ("backend", pa.string()),
        ("condition", pa.string()),
        ("split", pa.string()),
        ("fold", pa.string()),
        ("clip", pa.string()),
        ("label", pa.string()),
        ("text", pa.string()),
        ("scores", pa.list_(pa.float32())),
        ("facts", pa.map_(pa.string(), pa.float64())),
        ("resample_s", _SECONDS),
        ("predict_s", _SECONDS),
    ]
)
"""What a backend said. split and fold are null for zero-shot backends, which hear each clip once; label is null where
it named none; scores follow the order of the vocabulary; facts are numbers about the work done, by name, as
:class:`backends.base.Prediction` has them. The times were taken while other work ran: never a latency."""

LATENCY = pa.schema(
    [
        ("backend", pa.string()),
        ("threads", pa.int32()),
        ("process", pa.int32()),
        ("round", pa.int32()),
        ("clip", pa.string()),
        ("warmup", pa.bool_()),
        ("audio_s", _SECONDS),
        ("resample_s", _SECONDS),
        ("front_s", _SECONDS),
        ("features_s", _SECONDS),
        ("predict_s", _SECONDS),
    ]
)
"""One row per timed call, in the order made. process counts the fresh processes of a backend, round its turns in one,
-1 before the first. latency = resample_s + predict_s; front_s, where there is a front end, is the first part of
predict_s, and features_s, where marked, the one after that."""

COLDSTART = pa.schema(
    [
        ("backend", pa.string()),
        ("threads", pa.int32()),
        ("process", pa.int32()),
        ("start_s", _SECONDS),
        ("import_s", _SECONDS),
        ("load_s", _SECONDS),
        ("first_s", _SECONDS),
    ]
)
"""One row per fresh process; start_s is the bare interpreter up to the harness's first line."""

THROUGHPUT = pa.schema(
    [
        ("backend", pa.string()),
        ("threads", pa.int32()),
        ("batch", pa.int32()),
        ("clips", pa.int32()),
        ("audio_s", _SECONDS),
        ("predict_s", _SECONDS),
    ]
)
"""One row per batch size tried."""

RESOURCES = pa.schema(
    [
        ("backend", pa.string()),
        ("threads", pa.int32()),
        ("process", pa.int32()),
        ("peak_rss_bytes", pa.int64()),
        ("idle_rss_bytes", pa.int64()),
    ]
)
"""peak: of the worker that loaded and predicted; idle: of one that has the harness's own imports and no backend."""


MEASURED: Mapping[str, pa.Schema] = MappingProxyType(
    {"latency": LATENCY, "coldstart": COLDSTART, "throughput": THROUGHPUT, "resources": RESOURCES}
)
"""The files that hold times and memory."""


@dataclass(frozen=True, slots=True)
class Records:
    """A run read back. Frames have the columns of the schemas above and may be empty."""

    folder: Path
    info: dict[str, Any]
    clips: pd.DataFrame
    splits: pd.DataFrame
    predictions: pd.DataFrame
    latency: pd.DataFrame
    coldstart: pd.DataFrame
    throughput: pd.DataFrame
    resources: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Run(Records):
    """A run whose predictions are marked (:mod:`bench.marks`).

    They have reference and speaker of their clip, the answer as ``predicted``, and its errors and units besides.
    """

    task: Task

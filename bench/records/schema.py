"""What a run writes down: the schema of every file, and reading them back.

A run is a folder::

    run.json                what was run, on what, with which outcome
    clips.parquet           every clip used, with one column per split
    records/predictions/    one file per finished cell: backend x condition x fold
    records/latency.parquet, coldstart.parquet, throughput.parquet, resources.parquet

All times are seconds, all sizes bytes. A report is a function of these files alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from backends.kit.text import TextMapper
from bench.errors import BenchError
from bench.records.shape import misfit

KEY = b"digitbench.key"
"""Metadata of a file of predictions: the key of the cell they were made for."""
FACTS = b"digitbench.facts"
"""Metadata: JSON of what is known about the records, such as the code that made them."""
CLEAN = "clean"
"""The condition under which clips are as recorded."""
_SECONDS = pa.float64()

CLIPS = pa.schema(
    [
        ("clip", pa.string()),
        ("path", pa.string()),
        ("label", pa.string()),
        ("speaker", pa.string()),
        ("sample_rate", pa.int32()),
        ("samples", pa.int64()),
        ("sha256", pa.string()),
        ("official", pa.string()),
        ("mixed", pa.string()),
        ("loso", pa.string()),
        ("cross", pa.string()),
    ]
)
"""Split columns hold "train", "validation" or the fold that tests the clip; null where the split was not run."""

PREDICTIONS = pa.schema(
    [
        ("backend", pa.string()),
        ("condition", pa.string()),
        ("split", pa.string()),
        ("fold", pa.string()),
        ("clip", pa.string()),
        ("label", pa.string()),
        ("speaker", pa.string()),
        ("predicted", pa.string()),
        ("text", pa.string()),
        ("scores", pa.list_(pa.float32())),
        ("resample_s", _SECONDS),
        ("predict_s", _SECONDS),
    ]
)
"""split and fold are null for zero-shot backends, which hear each clip once. predicted is null for "no digit".
scores follow the order of the vocabulary. The times here were taken while other work ran: never a latency."""

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
        ("features_s", _SECONDS),
        ("predict_s", _SECONDS),
    ]
)
"""One row per timed call, in the order made. process counts the fresh processes of a backend, round its turns in one,
-1 before the first. latency = resample_s + predict_s; features_s, where marked, is the first part of predict_s."""

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


@dataclass(frozen=True, slots=True)
class Run:
    """A run read back. Frames have the columns of the schemas above and may be empty."""

    folder: Path
    info: dict[str, Any]
    clips: pd.DataFrame
    predictions: pd.DataFrame
    latency: pd.DataFrame
    coldstart: pd.DataFrame
    throughput: pd.DataFrame
    resources: pd.DataFrame


def read_run(folder: Path) -> Run:
    """Read a run. Raises BenchError when the folder holds none, or one of its files is missing or broken."""
    path = folder / "run.json"
    try:
        info = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BenchError(f"{folder} is not a run: it has no run.json; make one with `digitbench run`") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BenchError(f"{path}: cannot be read ({error}); run the benchmark again") from error
    if lacking := misfit(info):
        raise BenchError(f"{path}: not the run.json of a run ({lacking}); run the benchmark again")
    done = [(folder / cell["file"], cell["key"]) for cell in info["cells"] if cell["status"] == "done"]
    label_of = TextMapper(info["vocabulary"])
    cells = [_answered(_read(file, PREDICTIONS, key=key), label_of) for file, key in done]
    measured = (
        _read(folder / "records" / f"{name}.parquet", schema, optional=True)
        for name, schema in (
            ("latency", LATENCY),
            ("coldstart", COLDSTART),
            ("throughput", THROUGHPUT),
            ("resources", RESOURCES),
        )
    )
    clips = _read(folder / "clips.parquet", CLIPS).to_pandas()
    predictions = pa.concat_tables([PREDICTIONS.empty_table(), *cells]).to_pandas()
    return Run(folder, info, clips, predictions, *(table.to_pandas() for table in measured))


def _answered(predictions: pa.Table, label_of: TextMapper) -> pa.Table:
    """Records that do not name the code that read their labels off text have them read anew from the text they kept."""
    facts = json.loads((predictions.schema.metadata or {}).get(FACTS, b"{}"))
    if "modules" in facts:
        return predictions
    texts = predictions["text"].to_pylist()
    kept = predictions["predicted"].to_pylist()
    labels = [label if text is None else label_of(text) for text, label in zip(texts, kept, strict=True)]
    place = predictions.schema.get_field_index("predicted")
    return predictions.set_column(place, PREDICTIONS.field("predicted"), pa.array(labels, pa.string()))


@contextmanager
def consistent(*folders: Path) -> Iterator[None]:
    """While something is made of runs that could be read: BenchError where their parts contradict each other."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        named = ", ".join(map(str, folders))
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise BenchError(f"{named}: run.json and records contradict each other ({why}); run it again") from error


def _read(path: Path, schema: pa.Schema, optional: bool = False, key: str | None = None) -> pa.Table:
    """A file of records. With ``key``, records made under another one are an error: the run has been begun anew."""
    if optional and not path.exists():
        return schema.empty_table()
    try:
        found = pq.read_table(path, partitioning=None, page_checksum_verification=True)
        if schema is CLIPS and "cross" not in found.column_names:  # a run of before there were any across corpora
            found = found.append_column("cross", pa.nulls(len(found), pa.string()))
        table = found.select(schema.names).cast(schema).replace_schema_metadata(found.schema.metadata)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        why = " ".join(str(error).split())
        raise BenchError(f"{path}: cannot be read as records ({why}); run the benchmark again") from error
    if key is not None and (found.schema.metadata or {}).get(KEY) != key.encode():
        raise BenchError(f"{path}: these records are not of the run in run.json; finish the run that replaced them")
    return table

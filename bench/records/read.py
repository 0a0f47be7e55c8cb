"""Reading a run back, of this schema or of one before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bench.errors import BenchError
from bench.records.schema import CLIPS, KEY, LATENCY, MEASURED, PREDICTIONS, SCHEMA, SPLITS, Records
from bench.records.shape import misfit
from bench.records.upgrade import clips_of_1, predictions_of_1, predictions_of_2, splits_of_1, with_columns


def read_records(folder: Path) -> Records:
    """Read a run. Raises BenchError when the folder holds none, or one of its files is missing or broken."""
    info = read_info(folder)
    old = info["schema"] == 1
    done = [(folder / cell["file"], cell["key"]) for cell in info["cells"] if cell["status"] == "done"]
    cells = [_read(file, PREDICTIONS, key=key, old=old) for file, key in done]
    measured = (
        _read(folder / "records" / f"{name}.parquet", schema, optional=True) for name, schema in MEASURED.items()
    )
    clips = _read(folder / "clips.parquet", CLIPS, old=old).to_pandas(maps_as_pydicts="strict")
    splits = splits_of_1(_table(folder / "clips.parquet")) if old else _read(folder / "splits.parquet", SPLITS)
    predictions = pa.concat_tables([PREDICTIONS.empty_table(), *cells]).to_pandas(maps_as_pydicts="strict")
    return Records(folder, info, clips, splits.to_pandas(), predictions, *(table.to_pandas() for table in measured))


def read_info(folder: Path) -> dict[str, Any]:
    """What run.json says. Raises BenchError where it is not there, not whole, or of a schema that is not known."""
    path = folder / "run.json"
    try:
        info = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BenchError(f"{folder} is not a run: it has no run.json; make one with `digitbench run`") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BenchError(f"{path}: cannot be read ({error}); run the benchmark again") from error
    if lacking := misfit(info):
        raise BenchError(f"{path}: not the run.json of a run ({lacking}); run the benchmark again")
    if not 1 <= info["schema"] <= SCHEMA:
        raise BenchError(f"{path}: schema {info['schema']}; this version reads 1 to {SCHEMA}: take a newer one")
    return dict(info)


@contextmanager
def consistent(*folders: Path) -> Iterator[None]:
    """While something is made of runs that could be read: BenchError where their parts contradict each other."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        named = ", ".join(map(str, folders))
        why = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise BenchError(f"{named}: run.json and records contradict each other ({why}); run it again") from error


def _read(path: Path, schema: pa.Schema, optional: bool = False, key: str | None = None, old: bool = False) -> pa.Table:
    """A file of records. With ``key``, records made under another one are an error: the run has been begun anew."""
    if optional and not path.exists():
        return schema.empty_table()
    table = _table(path)
    made_under = (table.schema.metadata or {}).get(KEY)
    try:
        if schema is CLIPS:
            table = with_columns(table, CLIPS)
        if old and schema in (CLIPS, PREDICTIONS):
            table = (clips_of_1 if schema is CLIPS else predictions_of_1)(table)
        elif schema is PREDICTIONS and "tokens" in table.column_names:  # a cell that holds outlives its run's schema
            table = predictions_of_2(table)
        if schema is LATENCY and "front_s" not in table.column_names:  # made before there were front ends
            table = table.append_column("front_s", pa.nulls(len(table), pa.float64()))
        typed = table.select(schema.names).cast(schema)
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise _broken(path, error) from error
    if key is not None and made_under != key.encode():
        raise BenchError(f"{path}: these records are not of the run in run.json; finish the run that replaced them")
    return typed


def _table(path: Path) -> pa.Table:
    try:
        return pq.read_table(path, partitioning=None, page_checksum_verification=True)
    except FileNotFoundError:
        raise BenchError(f"{path}: is missing; run the benchmark again") from None
    except (OSError, pa.ArrowException, ValueError) as error:
        raise _broken(path, error) from error


def _broken(path: Path, error: Exception) -> BenchError:
    return BenchError(f"{path}: cannot be read as records ({' '.join(str(error).split())}); run the benchmark again")

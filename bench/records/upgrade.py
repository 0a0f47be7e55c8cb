"""Older records as today's.

In schema 1 a column per split was in the clips, and predictions held their clip's label. In schema 2 a prediction had
the number of the decoder's tokens and no other facts.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from bench.records.schema import PREDICTIONS, SPLITS

_SPLITS_OF_1 = ("official", "mixed", "loso", "cross")


def clips_of_1(clips: pa.Table) -> pa.Table:
    """``label`` was the reference."""
    return clips.rename_columns({"label": "reference"})


def splits_of_1(clips: pa.Table) -> pa.Table:
    """A row per tested or validating clip of each column that is filled."""
    parts = [SPLITS.empty_table()]
    for split in (name for name in _SPLITS_OF_1 if name in clips.column_names):
        listed = clips.filter(pc.invert(pc.fill_null(pc.is_in(clips[split], pa.array(["train", None])), True)))
        validates = pc.equal(listed[split], "validation")
        fold = pc.if_else(validates, "test", listed[split])
        part = pc.if_else(validates, "validation", "test")
        columns = [pa.array([split] * len(listed), pa.string()), fold, listed["clip"], part]
        parts.append(pa.table(columns, schema=SPLITS))
    return pa.concat_tables(parts)


def predictions_of_1(predictions: pa.Table) -> pa.Table:
    """``predicted`` was the answer: what the backend said itself, unless it was read off the text it transcribed."""
    labels = pc.if_else(pc.is_null(predictions["text"]), predictions["predicted"], pa.scalar(None, pa.string()))
    kept = predictions.drop_columns(["label", "speaker", "predicted"])
    kept = kept.append_column("label", labels)
    return kept.append_column("facts", pa.nulls(len(kept), PREDICTIONS.field("facts").type))


def with_columns(table: pa.Table, schema: pa.Schema, names: Sequence[str] = ("sex", "part", "content")) -> pa.Table:
    """The table with these columns, null where it lacks one."""
    for name in names:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), schema.field(name).type))
    return table


def predictions_of_2(predictions: pa.Table) -> pa.Table:
    """``tokens`` were the decoder's."""
    counted = predictions["tokens"].to_pylist()
    facts = [None if tokens is None else [("decoder_tokens", tokens)] for tokens in counted]
    return predictions.append_column("facts", pa.array(facts, PREDICTIONS.field("facts").type))

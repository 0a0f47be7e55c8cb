from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bench.errors import BenchError
from bench.records.journal import finished, locked, replace_file, write_rows

SCHEMA = pa.schema([("n", pa.int64())])


def test_rows_and_facts_come_back_under_their_key_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cell.parquet"
    write_rows(path, ({"n": n} for n in range(10_000)), SCHEMA, "key", {"fit_s": 1.5})
    assert pq.read_table(path)["n"].to_pylist() == list(range(10_000))
    assert finished(path, "key") == {"fit_s": 1.5}
    assert finished(path, "other") is None


def test_no_rows_is_a_file_too(tmp_path: Path) -> None:
    write_rows(tmp_path / "empty.parquet", iter(()), SCHEMA, "key")
    assert finished(tmp_path / "empty.parquet", "key") == {}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"junk" * 100])
def test_a_broken_file_is_not_finished(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "cell.parquet").write_bytes(content)
    assert finished(tmp_path / "cell.parquet", "key") is None


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "cell.parquet"
    write_rows(path, iter([{"n": 1}]), SCHEMA, "old")
    with pytest.raises(ZeroDivisionError):
        write_rows(path, ({"n": 1 // n} for n in (1, 0)), SCHEMA, "new")
    assert finished(path, "old") == {}


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    (tmp_path / "run.json.part").touch()
    with pytest.raises(OSError, match="a folder stands where this file belongs; remove it") as raised:
        replace_file(tmp_path / "run.json.part", tmp_path / "run.json")
    assert raised.value.filename == str(tmp_path / "run.json")


def test_a_lock_is_released(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(BenchError), locked(tmp_path):
        pass
    with locked(tmp_path):
        pass

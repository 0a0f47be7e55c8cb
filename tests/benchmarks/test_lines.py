from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from benchmarks.lines import append_lines, pack_lines, read_lines


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    place = tmp_path / "new" / "rows.jsonl"
    assert read_lines(place) == []
    append_lines(place, [{"a": 1}])
    append_lines(place, [{"a": "\u00e9\n"}, {}])
    assert read_lines(place) == [{"a": 1}, {"a": "\u00e9\n"}, {}]


def test_a_line_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    place = tmp_path / "rows.jsonl"
    place.write_text('{"a": 1}\n{"a": 2')
    assert read_lines(place) == [{"a": 1}]
    append_lines(place, [{"a": 3}])
    assert read_lines(place) == [{"a": 1}, {"a": 3}]


@pytest.mark.parametrize("line", ["nonsense", "[1]", "3"])
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    place = tmp_path / "rows.jsonl"
    place.write_text(f'{{"a": 1}}\n{line}\n')
    with pytest.raises(BenchError, match=r"rows.jsonl, line 2"):
        read_lines(place)


def test_packed_lines_are_read_before_those_that_came_later(tmp_path: Path) -> None:
    place = tmp_path / "rows.jsonl"
    append_lines(place, [{"a": 1}, {"a": 2}])
    pack_lines(place)
    packed = (tmp_path / "rows.jsonl.gz").read_bytes()
    assert not place.exists() and read_lines(place) == [{"a": 1}, {"a": 2}]
    pack_lines(place)
    assert (tmp_path / "rows.jsonl.gz").read_bytes() == packed
    append_lines(place, [{"a": 3}])
    assert read_lines(place) == [{"a": 1}, {"a": 2}, {"a": 3}]
    pack_lines(place)
    assert read_lines(place) == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_a_kill_between_packing_and_removing_doubles_nothing(tmp_path: Path) -> None:
    place = tmp_path / "rows.jsonl"
    append_lines(place, [{"a": 1}])
    lines = place.read_bytes()
    pack_lines(place)
    place.write_bytes(lines)
    assert read_lines(place) == [{"a": 1}]


def test_a_damaged_packed_file_is_named(tmp_path: Path) -> None:
    append_lines(tmp_path / "rows.jsonl", [{"a": 1}])
    pack_lines(tmp_path / "rows.jsonl")
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(BenchError, match=r"rows.jsonl.gz: .*; delete the file to measure anew"):
        read_lines(tmp_path / "rows.jsonl")


def test_nothing_is_packed_of_nothing(tmp_path: Path) -> None:
    pack_lines(tmp_path / "rows.jsonl")
    assert not list(tmp_path.iterdir())

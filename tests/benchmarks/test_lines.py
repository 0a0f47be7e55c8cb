from __future__ import annotations

from pathlib import Path

import pytest

from bench.errors import BenchError
from benchmarks.lines import append_lines, read_lines


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

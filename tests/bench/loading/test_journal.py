from __future__ import annotations

from pathlib import Path

from bench.loading.journal import Journal


def test_what_was_kept_is_there_again_and_a_torn_line_is_not(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(path)
    first.keep("a", "samples", [{"x": 1}, {"x": 2}])
    first.keep("b", "bad", [{"y": "word"}])
    with path.open("ab") as file:
        file.write(b'{"step": "c", "table": "samples", "ro')
    again = Journal(path)
    assert ("a" in again, "b" in again, "c" in again, len(again)) == (True, True, False, 2)
    again.keep("c", "samples", [{"x": 3}])
    last = Journal(path)
    assert last.table("samples")["x"].tolist() == [1, 2, 3]
    assert last.table("bad")["y"].tolist() == ["word"]
    assert last.table("none").empty

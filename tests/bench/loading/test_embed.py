from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.loading import embed
from tests.bench.loading.test_claims import emotion
from tests.bench.loading.test_report import saved


def page(folder: Path, part: str, monkeypatch: pytest.MonkeyPatch) -> str:
    path = folder / "page.md"
    path.write_text(f"before\n<!-- {part}: begin -->\nold\n<!-- {part}: end -->\nafter\n")
    monkeypatch.setattr(sys, "argv", ["embed", str(path), str(folder), part])
    embed.main()
    return path.read_text()


def test_three_lines_are_those_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (saved(tmp_path) / "emotion").mkdir()
    for name, table in zip(("rounds", "stages"), emotion(), strict=True):
        table.to_csv(tmp_path / "emotion" / f"{name}.csv", index=False)
    text = page(tmp_path, "loading", monkeypatch)
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    lines = [line for line in text.splitlines() if line.startswith("- ")]
    assert len(lines) == 3
    assert "1.80 s with librosa" in lines[0]
    assert "0.450 s with audiodecode (4.00 times as fast)" in lines[0]
    assert "a WAV16 of 5 s 9.00 and 2.25 ms (4.00 times)" in lines[0]
    assert "loading is 10.0 % of the time" in lines[1]
    assert "more than 1.11 times" in lines[1]
    assert "8 of 9 cases" in lines[2]


@pytest.mark.parametrize(("part", "words"), [("bill", "as told, 6 s a file"), ("claims", "bit-perfect")])
def test_tables_are_those_of_the_report(part: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert words in page(saved(tmp_path), part, monkeypatch)


def test_a_page_without_marks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path)
    (tmp_path / "page.md").write_text("nothing")
    monkeypatch.setattr(sys, "argv", ["embed", str(tmp_path / "page.md"), str(tmp_path), "bill"])
    with pytest.raises(BenchError, match="bill: begin"):
        embed.main()

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.report import embed
from bench.report.build import brief_markdown
from tests.bench import factory


def test_a_page_takes_several_runs_each_between_marks_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, table = tmp_path / "page.md", factory.clips()
    page.write_text(
        "".join(f"{name}\n<!-- {name}: begin -->\nold\n<!-- {name}: end -->\n" for name in ("brief", "two"))
    )
    run = factory.run(factory.heard(table, "one"), table)
    other = factory.run(factory.heard(table, "other"), table)
    for name, made, mark in (("a", run, []), ("b", other, ["two"])):
        folder = factory.save(made, tmp_path / name)
        monkeypatch.setattr(sys, "argv", ["embed", str(page), str(folder), "brief", *mark])
        embed.main()
    first, _, second = page.read_text().partition("<!-- two: begin -->")
    assert brief_markdown(run) in first and brief_markdown(other) in second
    assert "old" not in page.read_text()


@pytest.mark.parametrize(
    "text", ["", "<!-- a: begin -->", "<!-- a: end --><!-- a: begin -->", 2 * "<!-- a: begin --><!-- a: end -->"]
)
def test_a_page_without_one_pair_of_marks_is_refused(text: str) -> None:
    with pytest.raises(BenchError, match="one <!-- a: begin --> and one <!-- a: end -->"):
        embed.embedded(text, "new", "a")

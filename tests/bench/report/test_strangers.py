"""What strangers wrote is shown in report, page, plots and tables, and orders nothing there."""

from __future__ import annotations

import csv
import io
import re
import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bench.printable import printable
from bench.records.schema import Run
from bench.report import build, files
from bench.report.html import page
from bench.report.plots import Plot, draw, svg
from bench.report.spreadsheet import cell
from bench.report.spreadsheet import csv as as_csv
from bench.report.text.markdown import escape
from tests.bench.report.hostile import BACKENDS, LABELS, SPEAKERS, hostile
from tests.bench.report.html.test_page import embedded, sing


@pytest.fixture(scope="module")
def run() -> Run:
    return hostile()


@pytest.fixture(scope="module")
def plots(run: Run) -> list[Plot]:
    return draw(run, build(run).tables)


def unseen(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")} - {"\n"}


def test_nothing_unseen_is_in_anything_made_of_a_run(run: Run, plots: list[Plot]) -> None:
    html = page(run, build(run).tables, plots, sing)
    made = {**files(build(run)), "report.html": html, **{f"{plot.name}.svg": svg(plot) for plot in plots}}
    assert len(made) >= 20
    assert {name: unseen(text) for name, text in made.items() if unseen(text)} == {}
    gallery = str(embedded(html))
    assert not unseen(gallery) and r"\x1b]0;title\x07" in gallery.replace("\\\\", "\\")


def test_markdown_means_what_the_report_means(run: Run) -> None:
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(build(run).markdown)
    inline = [part for token in tokens for part in token.children or []]
    assert not [part for part in inline if part.type in ("link_open", "image")]
    assert {part.content for part in inline if part.type == "html_inline"} <= {"<br>"}
    blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert all(re.fullmatch(r"</details>|<details><summary>[^<]*</summary>", block) for block in blocks)
    rows: list[int] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append(0)
        elif token.type in ("th_open", "td_open"):
            rows[-1] += 1
        elif token.type == "table_close":
            assert len(set(rows)) == 1
            rows = []


@pytest.mark.parametrize("text", ["http://evil.example", "ftp://x", "www.evil.example", "mailto:me@x.org"])
def test_an_address_is_no_link(text: str) -> None:
    assert text not in escape(text)
    assert escape("whisper:tiny.en at 10:30") == "whisper:tiny.en at 10:30"


def test_tables_keep_numbers_and_lose_formulas(run: Run) -> None:
    made = files(build(run))
    cells = {
        cell for name in made if name.endswith(".csv") for row in csv.reader(io.StringIO(made[name])) for cell in row
    }
    number = re.compile(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?")
    assert not [cell for cell in cells if cell.lstrip()[:1] in tuple("=+-@\t\r") and not number.fullmatch(cell)]
    assert f"'{LABELS[0]}" in cells and f"'{SPEAKERS[1]}" in cells


@given(st.text(st.sampled_from("'= +-@1.ex\t\r\uff1d")))
def test_an_apostrophe_taken_off_gives_the_text_back(text: str) -> None:
    made = cell(text)
    led = re.match(r"'[\s']*[=+\-@\uff1d]", made)
    assert (made.removeprefix("'") if led else made) == printable(text)
    assert not re.match(r"\s*[=@\t\r\uff1d]", made)


def test_only_texts_are_touched() -> None:
    frame = pd.DataFrame({"=a": ["-x", "-1", "'=y", None], "b": [-1.5, 2.0, float("nan"), 1e-9], "c": [-1, 2, 3, 4]})
    assert as_csv(frame).splitlines() == ["'=a,b,c", "'-x,-1.5,-1", "-1,2,2", "''=y,,3", ",1e-09,4"]


def test_plots_are_drawn_whole(plots: list[Plot]) -> None:
    assert {"speakers", "confusion", "latency", "coldstart"} <= {plot.name for plot in plots}
    for plot in plots:
        width, height = plot.figure.get_size_inches()
        assert width < 20 and height < 20
        texts = [text for axes in plot.figure.axes for text in axes.get_xticklabels() + axes.get_yticklabels()]
        assert max(len(text.get_text()) for text in texts) <= 42
    speakers = next(plot for plot in plots if plot.name == "speakers")
    told = [text.get_text() for text in speakers.figure.legends[0].get_texts()]
    assert len(told) == len(SPEAKERS) + 1


def test_every_table_has_every_name(run: Run) -> None:
    made = build(run).tables
    assert set(made["summary"]["backend"]) == set(BACKENDS)
    assert len(made["speakers"].columns) == 2 + len(SPEAKERS)

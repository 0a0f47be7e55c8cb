"""The picture of the gallery is taken of the page that is there, or it is said what is missing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.report.build import tables
from bench.report.html import page, write
from bench.report.html.screenshot import browser, screenshot
from bench.report.plots import draw
from tests.bench.report.html.test_page import sing
from tests.bench.report.made_up import noisy

needs_chromium = pytest.mark.skipif(browser() is None, reason="needs Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run, found = noisy(), tmp_path_factory.mktemp("page")
    made = tables(run)
    write(page(run, made, draw(run, made), sing), found)
    return found


def test_without_a_page_the_command_that_makes_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"report\.html: there is none; make it with `digitbench report .* --html`"):
        screenshot(tmp_path)


def test_without_a_browser_its_package_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(BenchError, match="apt-get install chromium"):
        screenshot(folder)


@needs_chromium
def test_an_unknown_backend_is_told_those_there_are(folder: Path) -> None:
    with pytest.raises(BenchError, match=r"no errors of nobody; backends: .*mfcc-svm"):
        screenshot(folder, "nobody")


@needs_chromium
@pytest.mark.parametrize("backend", [None, "whisper:tiny"])
def test_it_is_a_picture_1280_wide_and_not_blank(folder: Path, backend: str | None) -> None:
    from PIL import Image

    taken = Image.open(io.BytesIO(screenshot(folder, backend)))
    assert (taken.format, taken.width) == ("PNG", 1280)
    assert len(taken.getcolors(256) or []) > 50

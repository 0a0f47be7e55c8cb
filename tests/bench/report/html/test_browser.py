"""The page in a real browser: no errors, and every control does what it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.report.build import tables
from bench.report.html import page, write
from bench.report.html.screenshot import browser
from bench.report.plots import draw
from tests.bench.report.hostile import hostile
from tests.bench.report.html.test_page import sing
from tests.bench.report.made_up import noisy

CHROMIUM = browser()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    run = noisy()
    made = tables(run)
    return write(page(run, made, draw(run, made), sing), tmp_path_factory.mktemp("page")).as_uri()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def tab(chromium: Any, report: str) -> Iterator[Any]:
    """The page at 1280 pixels; whatever the console complains of fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    opened, complaints = context.new_page(), []
    opened.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else 0)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("dialog", lambda dialog: complaints.append("a dialog"))
    opened.goto(report)
    yield opened
    context.close()
    assert complaints == []


def until(tab: Any, condition: str) -> None:
    """Wait for an expression to hold, by asking from outside: the page's own policy forbids to poll within it."""
    for _ in range(100):
        if tab.evaluate(condition):
            return
        tab.wait_for_timeout(100)
    pytest.fail(f"never came true: {condition}")


def first_column(tab: Any) -> list[str]:
    return [text.strip() for text in tab.locator("#summary-table tbody tr:visible th").all_inner_texts()]


def test_sorting_by_keyboard_tells_its_direction(tab: Any) -> None:
    head = tab.locator("#summary-table thead th", has_text="p50")
    head.locator("button").focus()
    tab.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    up = first_column(tab)
    assert up == ["chance", "mfcc-svm", "whisper:tiny", "whisper:base", "probe:tiny"]
    tab.keyboard.press("Space")
    assert head.get_attribute("aria-sort") == "descending"
    assert first_column(tab) == up[::-1]


def test_the_summary_filters(tab: Any) -> None:
    tab.get_by_label("Backends that contain").fill("WHISPER")
    assert sorted(first_column(tab)) == ["whisper:base", "whisper:tiny"]
    assert tab.inner_text("#summary-count") == "2 of 5 backends"


def test_gallery_filters_and_pages(tab: Any) -> None:
    whole = tab.evaluate("JSON.parse(document.getElementById('data').textContent).items.length")
    assert tab.locator("#clips > li").count() == 24
    tab.click("#more")
    assert tab.locator("#clips > li").count() == 48
    assert tab.evaluate("document.activeElement.parentElement.id") == "clips"
    tab.locator("#filter-speaker").select_option(label="ann")
    tab.locator("#filter-label").select_option(label="2")
    tab.locator("#filter-condition").select_option(label="telephone")
    titles = tab.locator("#clips > li h3").all_inner_texts()
    assert titles and set(titles) == {"2 by ann"}
    assert tab.inner_text("#gallery-count").startswith(f"{len(titles)} of {whole}")
    tab.click("text=Reset")
    until(tab, "document.querySelectorAll('#clips > li').length === 24")


def test_a_backends_part_leads_to_its_errors(tab: Any) -> None:
    tab.click("text=Errors of whisper:base in the gallery")
    until(tab, "document.activeElement.id === 'gallery-name'")
    assert tab.evaluate("document.getElementById('filter-backend').selectedOptions[0].text") == "whisper:base"
    lines = tab.locator("#clips > li li", has_text="whisper:base")
    assert lines.count() == 24
    assert all("wrong" in text for text in lines.all_inner_texts())


def test_players_hold_sound_and_spectrograms_are_drawn(tab: Any) -> None:
    card = tab.locator("#clips > li").first
    assert tab.locator("audio[src]").count() == 0
    card.scroll_into_view_if_needed()
    until(tab, "document.querySelector('#clips audio').duration > 0.2")
    until(tab, "document.querySelector('#clips canvas').dataset.drawn === 'yes'")
    loudest = tab.evaluate(
        """() => { const canvas = document.querySelector('#clips canvas'), { width, height } = canvas;
        const pixels = canvas.getContext('2d').getImageData(width >> 1, 0, 1, height).data;
        let best = 0, at = 0;
        for (let y = 0; y < height; y++) if (pixels[4 * y + 1] > best) { best = pixels[4 * y + 1]; at = y; }
        return 4000 * (1 - at / height); }"""
    )
    assert loudest == pytest.approx(500, abs=60)  # Hz: the tone that was sung


def test_colours_follow_the_system_and_the_button(tab: Any) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(paper)
    tab.emulate_media(color_scheme="dark")
    dark = tab.evaluate(paper)
    assert dark != light
    tab.click("#theme")
    assert tab.evaluate(paper) == light
    tab.click("#theme")
    assert tab.evaluate(paper) == dark


@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_never_scrolls_sideways(tab: Any, width: int) -> None:
    tab.set_viewport_size({"width": width, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") == width


def test_ids_are_unique_and_controls_are_named(tab: Any) -> None:
    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))
    unnamed = "[...document.querySelectorAll('select, input')].filter((c) => !c.labels.length && !c.ariaLabel).length"
    assert tab.evaluate(unnamed) == 0


def test_the_first_stop_of_the_keyboard_skips_to_the_report(tab: Any) -> None:
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.id") == "main"


def test_hostile_text_is_shown_as_text(tab: Any) -> None:
    assert "<script>" in tab.locator("#clips q").first.inner_text()
    assert tab.locator("#clips img, #clips script").count() == 0


def test_it_is_one_file(report: str) -> None:
    assert [path.name for path in Path(report.removeprefix("file://")).parent.iterdir()] == ["report.html"]


@pytest.mark.parametrize("width", [390, 1280])
def test_no_name_is_wider_than_the_page(chromium: Any, tmp_path: Path, width: int) -> None:
    run = hostile()
    made = tables(run)
    context = chromium.new_context(viewport={"width": width, "height": 900})
    opened = context.new_page()
    dialogs: list[str] = []
    opened.on("dialog", lambda dialog: dialogs.append(dialog.message))
    opened.goto(write(page(run, made, draw(run, made), sing), tmp_path).as_uri())
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.locator("#clips > li").count() > 0
    cells = opened.locator("#summary-table tbody th").all()
    assert max(cell.bounding_box()["width"] for cell in cells) <= 0.75 * width
    assert dialogs == []
    context.close()

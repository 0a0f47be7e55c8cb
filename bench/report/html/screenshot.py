"""A picture of the gallery of a run's page, filtered to one backend: for a README.

``python -m bench.report.html.screenshot results/fsdd gallery.png whisper-closed:tiny.en`` (the backend may be left out)
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from pathlib import Path

from bench.errors import BenchError
from bench.verify import publish

BROWSERS = ("google-chrome", "google-chrome-stable", "chromium", "chromium-browser")
_DRAWN = "[...document.querySelectorAll('#clips canvas')].slice(0, 8).every((canvas) => canvas.dataset.drawn === 'yes')"


def browser() -> str | None:
    """The first Chromium of the system; those that may be a stub for another package system come last."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def screenshot(run: Path, backend: str | None = None) -> bytes:
    """PNG, 1280 pixels wide. Raises BenchError without a page, a Chromium, Playwright, or errors of ``backend``."""
    page, chromium = run.resolve() / "report.html", browser()
    if not page.is_file():
        raise BenchError(f"{page}: there is none; make it with `digitbench report {run} --html`")
    if chromium is None:
        raise BenchError(f"no browser: none of {', '.join(BROWSERS)} is on the PATH (apt-get install chromium)")
    try:
        from PIL import Image
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise BenchError(f"a screenshot needs {error.name}: pip install playwright pillow") from error
    try:
        with sync_playwright() as driver:
            opened = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            tab = opened.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
            tab.goto(page.as_uri())
            known = tab.locator("#filter-backend option").all_inner_texts()[1:]
            if not known or (backend or known[0]) not in known:
                raise BenchError(f"{page}: no errors of {backend or 'any backend'}; backends: {', '.join(known)}")
            tab.locator("#filter-backend").select_option(label=backend or known[0])
            tab.locator("#gallery").evaluate("(section) => section.scrollIntoView()")
            for _ in range(100):  # from outside: the page's own policy forbids to poll within it
                if tab.evaluate(_DRAWN):
                    break
                tab.wait_for_timeout(100)
            shown = io.BytesIO(tab.screenshot())
    except Error as error:
        raise BenchError(f"{chromium} cannot show {page}: {str(error).splitlines()[0]}") from error
    small = io.BytesIO()
    Image.open(shown).convert("RGB").quantize(128).save(small, "PNG", optimize=True)
    return small.getvalue()


def main() -> None:
    """Take it and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("backend", nargs="?")
    arguments = parser.parse_args()
    try:
        arguments.out.write_bytes(screenshot(arguments.run, arguments.backend))
        publish(arguments.run, [arguments.out])
    except (BenchError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

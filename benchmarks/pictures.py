"""Pictures of the page with real answers: ``python -m benchmarks.pictures results/live``, with flags of ``serve``.

Starts ``digitbench serve`` as a user would, and speaks three digits of a corpus (fsdd, or synthetic voices where that
is not there) into a Chromium with a made-up microphone. Writes ``page.png``, ``page-dark.png`` and ``phone.png``.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import soundfile

from bench.audio import read
from bench.config import DIGITS
from bench.corpora import open_corpus
from bench.errors import BenchError
from bench.report.html.screenshot import browser
from bench.workers.parent import ROOT
from sound.resample import resample

RATE = 48_000
SAID = ("3", "1", "7")
GAP_S = 0.9
SEED = 0
VIEWS = (("page", 1280, "light"), ("page-dark", 1280, "dark"), ("phone", 390, "dark"))
PATIENCE = 600
"""Looks of a tenth of a second at a page that should change."""


def microphone(file: Path) -> None:
    """A recording of the digits, in a quiet room, after what a browser misses at first. Raises BenchError."""
    try:
        corpus = open_corpus("fsdd", DIGITS)
    except BenchError:
        corpus = open_corpus("synthetic", DIGITS)
    parts = [np.zeros(round(1.2 * RATE), np.float32)]
    for label in SAID:
        clip = corpus.clips[corpus.clips["label"] == label].iloc[0]
        audio, rate = read(corpus.root / clip["path"])
        parts += [resample(audio, rate, RATE), np.zeros(round(GAP_S * RATE), np.float32)]
    sound = np.concatenate([*parts, np.zeros(10 * RATE, np.float32)])
    room = np.random.default_rng(SEED).normal(0, 3e-4, len(sound))
    soundfile.write(file, sound + room, RATE, subtype="PCM_16")


@contextmanager
def serving(arguments: Sequence[str]) -> Iterator[str]:
    """The address of a server that is ready. Raises BenchError if it does not start."""
    command = [sys.executable, "-m", "bench", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    try:
        told = []
        for line in process.stderr:
            told.append(line)
            if line.startswith("open "):
                yield line.split()[1]
                return
        raise BenchError(f"digitbench serve ended: {''.join(told).strip()}")
    finally:
        process.terminate()
        process.wait()


def until(tab: Any, condition: str) -> None:
    """Wait for it, from outside: the page's own policy forbids to poll within. Raises BenchError if it never holds."""
    for _ in range(PATIENCE):
        if tab.evaluate(condition):
            return
        tab.wait_for_timeout(100)
    raise BenchError(f"never came true: {condition}; the page says: {tab.inner_text('main')[:300]}")


def picture(chromium: Any, address: str, width: int, colours: str) -> bytes:
    """PNG of the whole page once the last digit is answered and somebody said what it was."""
    from PIL import Image

    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=colours, device_scale_factor=1 if width > 600 else 2
    )
    tab = context.new_page()
    tab.goto(address)
    until(tab, "!document.getElementById('record').disabled")
    tab.click("#record")
    until(
        tab,
        f"document.querySelectorAll('#utterances li').length === {len(SAID)}"
        " && document.getElementById('digit').dataset.state === 'final'",
    )
    tab.locator(".label", has_text=SAID[-1]).click()
    tab.evaluate("document.activeElement.blur()")
    until(tab, "[...document.querySelectorAll('#picture, .thumb')].every((each) => each.dataset.drawn === 'yes')")
    shown = io.BytesIO(tab.screenshot(full_page=True))
    context.close()
    small = io.BytesIO()
    Image.open(shown).convert("RGB").quantize(160).save(small, "PNG", optimize=True)
    return small.getvalue()


def main() -> None:
    """Take them and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    arguments, served = parser.parse_known_args()
    try:
        from playwright.sync_api import sync_playwright

        chromium = browser()
        if chromium is None:
            raise BenchError("no browser: apt-get install chromium")
        arguments.out.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as folder, serving(served) as address, sync_playwright() as driver:
            file = Path(folder) / "said.wav"
            microphone(file)
            flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
            opened = driver.chromium.launch(
                executable_path=chromium, args=[*flags, f"--use-file-for-fake-audio-capture={file}%noloop"]
            )
            for name, width, colours in VIEWS:
                (arguments.out / f"{name}.png").write_bytes(picture(opened, address, width, colours))
                print(arguments.out / f"{name}.png")
    except (BenchError, ImportError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

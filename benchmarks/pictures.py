"""Pictures of live use with real answers: ``python -m benchmarks.pictures results/live``, with flags of ``serve``.

Speaks three digits of a corpus (fsdd, or synthetic voices where that is not there): into ``digitbench live`` as it runs
in a terminal, and into a Chromium with a made-up microphone that has the page of ``digitbench serve`` open. Writes
``terminal.png``, ``page.png``, ``page-dark.png`` and ``phone.png``.
"""

from __future__ import annotations

import argparse
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
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
ROWS, COLUMNS = 24, 118
FINAL = re.compile(rf"{len(SAID)}: [^?\r]*\x1b")
"""A line of the last word without early answers."""
TERMINAL = {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
REDRAWN = re.compile(r"\r(?:\x1b\[2K(?:\x1b\[1A)?)+")
"""What the terminal is told before every frame but the first."""
CURSOR = "\x1b[?25h"
"""Shows it again."""
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
        lines = []
        for line in process.stderr:
            lines.append(line)
            if line.startswith("open "):
                yield line.split()[1]
                return
        raise BenchError(f"digitbench serve ended: {''.join(lines).strip()}")
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


def terminal(file: Path) -> str:
    """The last frame of ``digitbench live`` hearing a recording, with its colours, once somebody said what the last
    word was. Raises BenchError if it fails."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "bench", "live", "--input", str(file)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=its, stdout=its, stderr=its, env={**os.environ, **TERMINAL})
    os.close(its)
    shown, answered = "", False
    try:
        while part := os.read(ours, 1 << 16).decode(errors="replace"):
            shown += part
            if not answered and FINAL.search(shown):
                answered = True
                os.write(ours, SAID[-1].encode())
    except OSError:  # how a terminal ends
        pass
    os.close(ours)
    if process.wait():
        raise BenchError(f"digitbench live ended with {process.returncode}: {shown.strip()[-500:]}")
    return REDRAWN.split(shown)[-1].replace("\r\n", "\n").replace(CURSOR, "").replace(str(file.parent) + "/", "")


def drawn(chromium: Any, frame: str) -> bytes:
    """PNG of a frame of a terminal."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(frame))
    tab = chromium.new_page(viewport={"width": 1280, "height": 600})
    tab.set_content(console.export_svg(title="digitbench live"))
    screenshot: bytes = tab.locator("svg").screenshot()
    tab.close()
    return small(screenshot)


def picture(chromium: Any, address: str, width: int, colours: str) -> bytes:
    """PNG of the whole page once the last digit is answered and somebody said what it was."""
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
    screenshot: bytes = tab.screenshot(full_page=True)
    context.close()
    return small(screenshot)


def small(image: bytes) -> bytes:
    """A PNG in few colours."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(image)).convert("RGB").quantize(160).save(out, "PNG", optimize=True)
    return out.getvalue()


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
            images = {name: picture(opened, address, width, colours) for name, width, colours in VIEWS}
            images["terminal"] = drawn(opened, terminal(file))
            for name, image in images.items():
                (arguments.out / f"{name}.png").write_bytes(image)
                print(arguments.out / f"{name}.png")
    except (BenchError, ImportError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()

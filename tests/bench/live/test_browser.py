"""The page in a real browser with a made-up microphone: from the sound to the digit, the correction and the corpus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from bench.configfile import read_config
from bench.corpora import open_for
from bench.live.server import Address, listening
from bench.report.html.screenshot import browser
from bench.runner import run
from tests.bench.live.running import beep, candidate, hush
from tests.bench.live.serving import TOKEN, Served, served
from tests.bench.running import VOCABULARY, Silent, planted

CHROMIUM = browser()
RATE = 48_000
LABELS = list(VOCABULARY)
QUICK, PICKY = "Quick", "Picky"


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of nothing, for what a browser misses at first, then a beep that all hear, and one too loud for some."""
    file = tmp_path_factory.mktemp("microphone") / "said.wav"
    sound = [hush(1.2, RATE), beep(0.2, rate=RATE), hush(1.5, RATE), beep(0.9, rate=RATE), hush(1.0, RATE)]
    soundfile.write(file, np.concatenate(sound), RATE, subtype="PCM_16")
    return file


@pytest.fixture(scope="module")
def chromium(microphone: Path) -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    flags = (
        "--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}%noloop",
    )  # fmt: skip
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=list(flags))
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("session") / "kept"


@pytest.fixture(scope="module")
def server(chromium: Any, folder: Path) -> Iterator[Served]:
    with served([candidate(QUICK), candidate(PICKY)], LABELS, folder) as running:
        yield running


@pytest.fixture
def tab(chromium: Any, server: Served, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The page; whatever the console complains of fails the test. Parameters are scripts to run before it."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    opened, complaints = context.new_page(), []
    opened.on("console", lambda message: complaints.append(message.text) if message.type in ("error", "warning") else 0)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    if script := getattr(request, "param", None):
        opened.add_init_script(script)
    opened.goto(f"{server.origin}/?token={TOKEN}")
    until(opened, "!document.getElementById('record').disabled")
    yield opened
    context.close()
    assert complaints == []


def until(tab: Any, condition: str) -> None:
    """Wait for an expression to hold, by asking from outside: the page's own policy forbids to poll within it."""
    for _ in range(300):
        if tab.evaluate(condition):
            return
        tab.wait_for_timeout(50)
    pytest.fail(f"never came true: {condition}; the page says {tab.inner_text('main')[:500]!r}")


def text_is(tab: Any, name: str, part: str) -> None:
    until(tab, f"document.getElementById('{name}').textContent.includes({json.dumps(part)})")


def test_a_digit_is_heard_corrected_saved_and_benchmarked(
    tab: Any, folder: Path, tiny_corpus: Path, tmp_path: Path
) -> None:
    assert tab.inner_text("#state") == "Press the button or the space bar, then speak."
    assert not tab.is_visible("#answer")
    tab.click("#record")
    text_is(tab, "state", "Listening")
    text_is(tab, "spoken", f"Both heard {LABELS[1]}.")
    assert tab.inner_text("#digit") == LABELS[1]
    cards = tab.locator(".lane").all_inner_texts()
    assert QUICK in cards[0] and "%" in cards[0] and "ms" in cards[0] and "model" in cards[0]
    assert tab.locator(".lane .bars li").count() == 2 * 3
    until(tab, "document.getElementById('picture').dataset.drawn === 'yes'")
    text_is(tab, "spoken", "failed")
    assert "too loud" in tab.locator(".lane").nth(1).inner_text(), "and the other answers"
    tab.click("#record")
    text_is(tab, "state", "Press the button")
    tab.locator("#utterances .open").last.click()
    assert tab.inner_text("#verdict") == f"Both heard {LABELS[1]}."
    tab.locator(".label", has_text=LABELS[1]).click()
    assert tab.locator(".lane .right").count() == 2
    assert "1 of 1 right" in tab.locator(".lane").first.inner_text()
    text_is(tab, "kept", "what it was")
    tab.click("summary")
    shown = tab.inner_text("#settings")
    assert "Fake" in shown and "Hz" in shown and "saved on the server" in shown
    assert [shown.split(name)[1].split()[0] for name in ("echo cancellation", "noise suppression", "gain control")] == [
        "off"
    ] * 3
    rows = (folder / "clips.csv").read_text().splitlines()
    assert len(rows) == 2 and rows[1].split(",")[1:3] == [LABELS[1], "ann"]
    corpora = {"train": f"folder:{tiny_corpus}", "test": f"folder:{folder}"}
    asked = {"vocabulary": VOCABULARY, "backends": [planted("Steady")], "latency_clips": 0, "throughput_s": 0}
    config = read_config(None, {**asked, "checks": False, **corpora})
    done = run(config, open_for(config), tmp_path / "run", "digitbench run", Silent())
    assert not done.failures


def test_what_is_played_is_what_was_heard(tab: Any) -> None:
    tab.click("#record")
    text_is(tab, "spoken", "Both heard")
    tab.click("#record")
    samples = tab.evaluate(
        """async () => { const made = []; const real = URL.createObjectURL;
        URL.createObjectURL = (blob) => { made.push(blob); return real(blob); };
        document.querySelector('#utterances .player').click();
        for (let i = 0; i < 100 && !made.length; i++) await new Promise((done) => setTimeout(done, 20));
        const bytes = await made[0].arrayBuffer();
        return [new DataView(bytes).getUint32(24, true), [...new Int16Array(bytes.slice(44))]]; }"""
    )
    rate, sound = samples[0], np.array(samples[1]) / 32_768
    assert len(sound) / rate == pytest.approx(0.8, abs=0.1), "a beep of 0.4 s with context"
    assert np.abs(sound).max() == pytest.approx(0.2, abs=0.02), "no gain is applied"
    beeping = np.flatnonzero(np.abs(sound) > 0.05)
    assert beeping[0] / rate == pytest.approx(0.3, abs=0.1)


def test_the_space_bar_held_is_push_to_talk(tab: Any) -> None:
    tab.get_by_label("Hold to talk").check()
    assert "Hold the button" in tab.inner_text("#state")
    tab.keyboard.down("Space")
    text_is(tab, "state", "Recording")
    tab.wait_for_timeout(2_300)
    assert not tab.is_visible("#answer"), "it is cut when it is let go"
    tab.keyboard.up("Space")
    text_is(tab, "spoken", f"Both heard {LABELS[1]}.")
    text_is(tab, "state", "Hold the button")


def test_the_button_held_is_push_to_talk(tab: Any) -> None:
    tab.get_by_label("Hold to talk").check()
    box = tab.locator("#record").bounding_box()
    tab.mouse.move(box["x"] + 20, box["y"] + 20)
    tab.mouse.down()
    text_is(tab, "state", "Recording")
    tab.wait_for_timeout(2_300)
    tab.mouse.up()
    text_is(tab, "spoken", f"Both heard {LABELS[1]}.")


def test_a_file_is_answered_too(tab: Any, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "mine.flac", beep(0.2, rate=16_000), 16_000)
    with tab.expect_file_chooser() as chooser:
        tab.click("#choose")
    chooser.value.set_files(tmp_path / "mine.flac")
    text_is(tab, "spoken", f"Both heard {LABELS[1]}.")
    assert "mine.flac" in tab.inner_text("#facts")
    (tmp_path / "no.wav").write_bytes(b"no sound")
    tab.locator("#file").set_input_files(tmp_path / "no.wav")
    text_is(tab, "problem", "cannot be heard")
    (tmp_path / "big.wav").write_bytes(bytes(4_000_001))
    tab.locator("#file").set_input_files(tmp_path / "big.wav")
    text_is(tab, "problem", "too large")


def refuse(name: str) -> str:
    return f"navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', '{name}'))"


@pytest.mark.parametrize(
    ("tab", "says"),
    [
        (refuse("NotAllowedError"), "not allowed"),
        (refuse("NotFoundError"), "No microphone was found"),
        (refuse("NotReadableError"), "another program"),
        (refuse("OverconstrainedError"), "Choose another"),
        ("Object.defineProperty(window, 'isSecureContext', { value: false })", "TLS"),
    ],
    indirect=["tab"],
)
def test_what_is_wrong_with_the_microphone_is_said(tab: Any, says: str) -> None:
    tab.click("#record")
    text_is(tab, "problem", says)
    assert tab.locator("#problem").get_attribute("role") == "alert"
    assert tab.inner_text("#state").startswith("Press the button")


TRACK = """const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (asked) => (window.stream = await real(asked));"""


@pytest.mark.parametrize("tab", [TRACK], indirect=True)
def test_muted_and_unplugged_are_said(tab: Any) -> None:
    tab.click("#record")
    text_is(tab, "state", "Listening")
    tab.evaluate("stream.getAudioTracks()[0].dispatchEvent(new Event('mute'))")
    text_is(tab, "state", "muted by the system")
    tab.evaluate("stream.getAudioTracks()[0].dispatchEvent(new Event('unmute'))")
    text_is(tab, "state", "Listening")
    tab.evaluate("stream.getAudioTracks()[0].dispatchEvent(new Event('ended'))")
    text_is(tab, "problem", "unplugged")
    text_is(tab, "state", "Press the button")


def test_a_lost_connection_is_said_and_comes_back(chromium: Any) -> None:
    with listening(Address(port=0)) as free:
        port = free.getsockname()[1]
    tab = chromium.new_context().new_page()
    with served([candidate(QUICK)], LABELS, port=port):
        tab.goto(f"http://127.0.0.1:{port}/?token={TOKEN}")
        text_is(tab, "connection", "connected")
    text_is(tab, "problem", "connection to the server is lost")
    text_is(tab, "state", "Trying again")
    assert tab.is_disabled("#record")
    with served([candidate(QUICK)], LABELS, port=port):
        until(tab, "!document.getElementById('record').disabled")
        assert tab.inner_text("#problem") == ""
    tab.context.close()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_the_page_fits_and_its_targets_are_large(tab: Any, width: int) -> None:
    tab.click("#record")
    text_is(tab, "spoken", "heard")
    tab.click("#record")
    tab.click("summary")
    tab.set_viewport_size({"width": width, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") == width
    boxes = tab.evaluate(
        """[...document.querySelectorAll('button, select, summary, .switch label')]
        .filter((each) => each.checkVisibility())
        .map((each) => [each.textContent, each.getBoundingClientRect()])
        .map(([text, box]) => [text, box.width, box.height])"""
    )
    assert len(boxes) > 8
    assert [name for name, wide, high in boxes if wide < 44 or high < 44] == []


def test_the_final_answer_alone_is_read_aloud(tab: Any) -> None:
    live = tab.locator("[aria-live]")
    assert [each.get_attribute("id") for each in live.all()] == ["spoken"]
    assert tab.locator("output, [role=status], [role=log]").count() == 0
    ids = tab.evaluate("[...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))
    unnamed = """[...document.querySelectorAll('button, select, input')].filter((each) => !each.labels?.length
        && !each.ariaLabel && !each.textContent.trim() && !each.ariaHidden)"""
    assert tab.evaluate(f"{unnamed}.length") == 0


def test_colours_and_motion_follow_the_system(tab: Any) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light = tab.evaluate(paper)
    tab.emulate_media(color_scheme="dark", reduced_motion="reduce")
    dark = tab.evaluate(paper)
    assert dark != light
    assert tab.evaluate("getComputedStyle(document.getElementById('record')).transitionDuration") == "0s"
    tab.click("#theme")
    assert tab.evaluate(paper) == light
    tab.click("#theme")
    assert tab.evaluate(paper) == dark

"""The page holds every error once, escapes every text, and owns up to what it lacks."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from bench.errors import BenchError
from bench.report.build import tables
from bench.report.html import page
from bench.report.html.gallery import Samples, encode, gallery
from bench.report.html.markup import as_json
from tests.bench import factory
from tests.bench.report.made_up import EVIL, noisy
from tests.conftest import tone


def sing(clip: str) -> tuple[Samples, int]:
    return tone(500, seed=len(clip)), 8_000


def embedded(html: str) -> Any:
    return json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[0])


def test_the_gallery_holds_each_wrong_clip_once_with_what_all_heard() -> None:
    table = factory.clips()
    a = factory.heard(table, "a", wrong=["0_ann_0"], silent=["1_bob_3"])
    b = factory.heard(table, "b", wrong=["0_ann_0"])
    made = gallery(factory.run(pd.concat([a, b]), table))
    assert [made["clips"][item[0]][0] for item in made["items"]] == ["0_ann_0", "1_bob_3"]
    assert made["items"][0][2] == [[1, -1], [1, -1]]
    assert made["items"][1][2] == [[-1, -1], [1, -1]]


def test_a_trained_backend_is_shown_on_the_hardest_split() -> None:
    table = factory.clips()
    official = factory.heard(table, "svm", wrong=["0_ann_0"], of=["official"])
    loso = factory.heard(table, "svm", of=["loso"])
    assert gallery(factory.run(pd.concat([official, loso]), table))["items"] == []


def test_each_sound_is_embedded_once_and_other_conditions_say_that_it_is_clean() -> None:
    run = noisy()
    made = gallery(run, sing)
    assert len(made["sounds"]) == len(made["clips"])
    clean = made["conditions"].index("clean")
    assert {(item[1] == clean, item[4]) for item in made["items"]} == {(True, 1), (False, 0)}


def test_treated_sounds_are_those_of_their_condition() -> None:
    asked = []

    def treat(condition: str, clip: str, samples: Samples, rate: int) -> tuple[Samples, int]:
        asked.append((condition, clip))
        return (samples / 2).astype(np.float32), rate

    made = gallery(noisy(), sing, treat)
    assert all(item[4] == 1 for item in made["items"])
    assert len(asked) == len(set(asked)) == sum(made["conditions"][item[1]] != "clean" for item in made["items"])


def test_a_clip_that_cannot_be_read_has_no_player() -> None:
    def missing(clip: str) -> tuple[Samples, int]:
        raise BenchError("gone")

    made = gallery(noisy(), missing)
    assert made["sounds"] == [] and {item[3] for item in made["items"]} == {-1}


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 9_999, 44_100])
def test_a_sound_keeps_its_length(rate: int) -> None:
    sound, kept = soundfile.read(io.BytesIO(encode(tone(300, 0.5, rate), rate)))
    assert kept >= rate
    assert len(sound) / kept == pytest.approx(0.5, abs=0.08)


def test_encoding_holds_nothing_random() -> None:
    sound = tone(300)
    assert encode(sound, 8_000) == encode(sound, 8_000)


def test_hostile_texts_stay_texts() -> None:
    run = noisy()
    html = page(run, tables(run), [], sing)
    assert EVIL not in html
    assert "<img src=x" not in html and "<script>alert" not in html
    assert embedded(html)["texts"] == [EVIL]


def test_json_cannot_leave_its_element() -> None:
    text = as_json(["</script>", "<!--", "\u2028"])
    assert "<" not in text and json.loads(text) == ["</script>", "<!--", r"\u2028"]


def test_without_recordings_the_page_says_so() -> None:
    run = noisy()
    html = page(run, tables(run), [])
    assert "made without the recordings" in html
    assert embedded(html)["sounds"] == []


def test_nothing_is_fetched() -> None:
    run = noisy()
    html = page(run, tables(run), [], sing)
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", html)
    assert "default-src 'none'" in html


def test_the_same_run_gives_the_same_page() -> None:
    run = noisy()
    made = tables(run)
    assert page(run, made, [], sing) == page(run, made, [], sing)


def test_tables_have_captions_and_scopes() -> None:
    run = noisy()
    html = page(run, tables(run), [])
    assert html.count("<table") == html.count("<caption>")
    assert not re.search(r"<th(?![^>]*scope=)[ >]", html)


def test_silence_and_clipping_are_encoded() -> None:
    assert encode(np.zeros(1, np.float32), 8_000)
    assert encode(np.full(4_000, 9, np.float32), 8_000)

"""The page holds every error once, escapes every text, and owns up to what it lacks."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pandas as pd

from bench.recordings import encode
from bench.report.build import tables
from bench.report.html import page
from bench.report.html.gallery import gallery
from bench.report.html.markup import as_json
from tests.bench import factory
from tests.bench.report.made_up import EVIL, noisy
from tests.conftest import tone


def sing(clip: str, condition: str) -> bytes | None:
    """A tone for every clip; under a condition there is none to be had."""
    return encode(tone(500, seed=len(clip)), 8_000) if condition == "clean" else None


def embedded(html: str) -> Any:
    return json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)[0])


def test_the_gallery_holds_each_wrong_clip_once_with_what_all_heard() -> None:
    table = factory.clips()
    a = factory.heard(table, "a", wrong=["0_ann_0"], silent=["1_bob_3"])
    b = factory.heard(table, "b", wrong=["0_ann_0"])
    made = gallery(factory.run(pd.concat([a, b]), table))
    assert [made["clips"][item[0]][0] for item in made["items"]] == ["0_ann_0", "1_bob_3"]
    assert made["items"][0][2] == [[1, -1, 1], [1, -1, 1]]
    assert made["items"][1][2] == [[-1, -1, 1], [1, -1, 0]]


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

    def treat(clip: str, condition: str) -> bytes:
        asked.append((clip, condition))
        return f"{clip} {condition}".encode()

    made = gallery(noisy(), treat)
    assert all(item[4] == 1 for item in made["items"])
    treated = [key for key in asked if key[1] != "clean"]
    assert len(treated) == sum(made["conditions"][item[1]] != "clean" for item in made["items"])
    assert len(asked) == len(set(asked)) == len(made["sounds"])
    for clip, condition, _, place, _ in made["items"]:
        played = base64.b64decode(made["sounds"][place]).decode()
        assert played == f"{made['clips'][clip][0]} {made['conditions'][condition]}"


def test_a_clip_that_cannot_be_read_has_no_player() -> None:
    made = gallery(noisy(), lambda clip, condition: None)
    assert made["sounds"] == [] and {item[3] for item in made["items"]} == {-1}


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

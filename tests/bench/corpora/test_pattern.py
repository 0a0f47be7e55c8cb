from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.corpora.base import LeftOut
from bench.corpora.pattern import Pattern
from bench.corpora.scan import Entry
from bench.errors import BenchError


@pytest.mark.parametrize(
    ("pattern", "path", "label", "speaker"),
    [
        ("{label}_{speaker}_{take}", "7_ann_0.wav", "7", "ann"),
        ("{label}_{speaker}_{take}", "7_ann_lee_3.wav", "7", "ann_lee"),
        ("{label}_{speaker}_{take}", "7_ann_first", "7", "ann"),
        ("{speaker}/{label}_{speaker}_{take}", "ann_lee/7_ann_lee_x_y.mp3", "7", "ann_lee"),
        ("./{speaker}/{label}/{_}", "ann/7/a.b.c.m4a", "7", "ann"),
        ("{_}/{_}/{label}", "a/b/seven.OPUS", "seven", None),
        ("{label}.{_}", "7.take 1.wav", "7", None),
        ("{label}-{speaker}.wav", "7-ann.wav", "7", "ann"),
        ("a+({label})", "a+(7).wav", "7", None),
        ("{{{label}}}", "{7}.wav", "7", None),
        ("{label} ({geschätzt})", "sieben (ja).flac", "sieben", None),
    ],
)
def test_a_path_that_fits(pattern: str, path: str, label: str, speaker: str | None) -> None:
    assert Pattern.of(pattern).entry(path) == Entry(path, label, speaker, None)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("{speaker}/{label}_{speaker}", "ann/7_bob.wav"),
        ("{label}", "deep/7.wav"),
        ("{a}/{label}", "7.wav"),
        ("{label}.wav", "7.flac"),
        ("{label}_{take}", "7.wav"),
        ("{label}_{take}", "_3.wav"),
    ],
)
def test_a_path_that_does_not_fit_is_left_out(pattern: str, path: str) -> None:
    assert Pattern.of(pattern).entry(path) == LeftOut(1, f"files not named as {pattern}")


@pytest.mark.parametrize(
    ("split", "official"),
    [("train", "train"), ("Test", "test"), ("validation", "train"), ("dev", "train"), ("testing", "test")],
)
def test_the_split_is_read(split: str, official: str) -> None:
    assert Pattern.of("{split}/{label}").entry(f"{split}/7.wav") == Entry(f"{split}/7.wav", "7", None, official)


def test_another_split_is_left_out() -> None:
    left_out = LeftOut(1, "files whose split is neither train nor test but 'junk'")
    assert Pattern.of("{split}/{label}").entry("junk/7.wav") == left_out


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", r"needs \{label\}"),
        ("{speaker}_{take}", r"needs \{label\}"),
        ("{label", "expected '}'"),
        ("label}", "Single '}'"),
        ("{}_{label}", "plain name in braces"),
        ("{label:02d}", "plain name in braces"),
        ("{label!r}", "plain name in braces"),
        ("{a b}{label}", "plain name in braces"),
        ("{label}{take}", r"nothing tells where in \{label\}\{take\} one ends"),
        ("/data/{label}", "cannot begin with /"),
    ],
)
def test_a_broken_pattern_is_an_error_that_says_how(pattern: str, message: str) -> None:
    with pytest.raises(BenchError, match=message) as error:
        Pattern.of(pattern)
    assert "such as {speaker}/{label}_{speaker}_{take}" in str(error.value)


@given(st.text("{}_!:.[]a1/ label", max_size=20), st.text("_/a.7", max_size=20))
def test_any_text_is_a_pattern_or_a_bench_error(text: str, path: str) -> None:
    try:
        pattern = Pattern.of("{label}" + text)
    except BenchError:
        return
    assert isinstance(pattern.entry(path), Entry | LeftOut)

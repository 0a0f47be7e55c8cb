from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from backends.kit.modelfile import read_header
from bench.code import sha256
from bench.corpora.base import Corpus
from bench.shipped import FOLDER, NAMES, ready_ones, shipped
from bench.shipped.make import RECIPE, REJECT_BELOW, VOICES, together

VOCABULARY = {str(digit): [str(digit)] for digit in range(10)}


def test_what_ships_is_what_the_recipe_says_and_small() -> None:
    recipe = json.loads((FOLDER / RECIPE).read_text())
    files = {path.name: path for path in FOLDER.glob("*.model")}
    assert set(files) == set(recipe["models"])
    assert {each["backend"] for each in recipe["models"].values()} == set(NAMES) == set(REJECT_BELOW)
    for name, path in files.items():
        assert sha256(path) == recipe["models"][name]["sha256"]
        assert set(read_header(path).vocabulary) == set(VOCABULARY)
    assert sum(path.stat().st_size for path in files.values()) < 1_000_000
    assert "CC BY-SA 4.0" in (FOLDER / "LICENSE.md").read_text()


def test_lite_is_always_ready_and_what_needs_weights_comes_first() -> None:
    names = [name for name, _ in ready_ones(VOCABULARY)]
    assert names[-1] == "mfcc-lite"
    assert names == [name for name in NAMES if name in names]
    assert shipped("mfcc-svm") is None


def test_clips_of_two_corpora_lie_in_their_own_folders() -> None:
    row = {"clip": "x", "path": "x.wav", "label": "1", "speaker": None, "sha256": "0"}
    parts = tuple(Corpus(name, Path(f"/{name}"), pd.DataFrame([row])) for name in ("a", "b"))
    listed = list(together(parts).at(np.arange(2)))
    assert [(clip.id, clip.path) for clip in listed] == [("a/x", "/a/x.wav"), ("b/x", "/b/x.wav")]


@pytest.mark.parametrize("voice", ["en-us+m1", "en-029+f5"])
def test_voices_are_accents_by_variants(voice: str) -> None:
    assert voice in VOICES
    assert len(set(VOICES)) == len(VOICES) == 52

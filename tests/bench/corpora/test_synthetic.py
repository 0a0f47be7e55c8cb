from __future__ import annotations

import shutil
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pytest

from bench.audio import read
from bench.corpora import open_corpus, synthetic
from bench.corpora.synthetic import SPEAKERS, TAKES, open_synthetic, plan
from bench.corpora.synthetic import VOICES as VARIANTS
from bench.errors import BenchError

pytest.importorskip("espeakng_loader")

COMMANDS = {"yes": ["yes", "yeah"], "turn on/off": ["turn it on or off"], "où": ["where"]}
VOICES = ("en-us+m3", "en-us+f2")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def test_any_vocabulary_is_spoken(cache: Path) -> None:
    corpus = open_synthetic(COMMANDS, cache, VOICES, takes=3)
    clips = corpus.clips
    assert (len(clips), corpus.rejected) == (18, ())
    assert set(clips["label"]) == set(COMMANDS) and set(clips["speaker"]) == set(VOICES)
    assert clips["official"].value_counts().to_dict() == {"train": 12, "test": 6}
    assert clips["sha256"].is_unique
    assert corpus.notice.startswith("SYNTHETIC")
    for path in clips["path"]:
        audio, rate = read(corpus.root / path)
        assert 0.15 < len(audio) / rate < 3 and np.abs(audio).max() > 0.1


def test_the_first_spoken_form_is_used_and_takes_differ() -> None:
    utterances = plan(COMMANDS, SPEAKERS, TAKES)
    assert len(utterances) == len({utterance.path for utterance in utterances}) == 3 * 6 * 10
    assert {utterance.text for utterance in utterances} == {"yes", "turn it on or off", "where"}
    for speaker in SPEAKERS:
        ways = {(u.rate, u.pitch) for u in utterances if u.speaker == speaker and u.label == "yes"}
        assert len(ways) == TAKES


def test_the_same_samples_every_time(cache: Path, tmp_path: Path) -> None:
    again = open_synthetic(COMMANDS, tmp_path / "other", VOICES, takes=3)
    assert again.clips.equals(open_synthetic(COMMANDS, cache, VOICES, takes=3).clips)


def test_spoken_once_and_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = open_synthetic(COMMANDS, cache, VOICES, takes=3)
    monkeypatch.setattr(synthetic, "_speak_apart", lambda *_: pytest.fail("spoken a second time"))
    assert open_synthetic(COMMANDS, cache, VOICES, takes=3).root == first.root


def test_an_interrupted_making_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object, folder: Path) -> None:
        (folder / "half.wav").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(synthetic, "_speak_apart", interrupted)
    with pytest.raises(KeyboardInterrupt):
        open_synthetic(COMMANDS, tmp_path, VOICES, takes=2)
    assert all(path.suffix == ".lock" for path in tmp_path.iterdir())


def test_an_unknown_voice_is_named(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no voice 'xx-nowhere'"):
        open_synthetic(COMMANDS, tmp_path, ("xx-nowhere",), takes=2)


@pytest.mark.parametrize(("speakers", "takes"), [((), 3), (VOICES, 1)])
def test_too_little_to_speak_is_an_error(tmp_path: Path, speakers: tuple[str, ...], takes: int) -> None:
    with pytest.raises(BenchError, match="at least one label, one speaker and two takes"):
        open_synthetic(COMMANDS, tmp_path, speakers, takes)


def test_a_missing_wheel_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(synthetic, "version", missing)
    with pytest.raises(BenchError, match="espeakng-loader: pip install"):
        open_synthetic(COMMANDS, tmp_path)


def test_a_long_path_to_the_voices_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import espeakng_loader

    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 7)
    shutil.copytree(espeakng_loader.get_data_path(), deep / "espeak-ng-data")
    monkeypatch.setattr(espeakng_loader, "get_data_path", lambda: str(deep / "espeak-ng-data"))
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    synthetic.speak(plan({"1": ["one"]}, VOICES[:1], 2), out)
    assert len(list(out.glob("*.wav"))) == 2


def test_another_language_has_its_own_voices(tmp_path: Path) -> None:
    vocabulary = {"1": ["eins"], "2": ["zwei"]}
    german = open_corpus("synthetic:de", vocabulary, cache=tmp_path)
    assert set(german.clips["speaker"]) == {f"de+{voice}" for voice in VARIANTS}
    assert len(german.clips) == 2 * len(VARIANTS) * TAKES and not german.rejected
    assert german.notice.startswith("SYNTHETIC")


@pytest.mark.parametrize("language", ["xx", "../de", "de+m3", "de/m3"])
def test_an_unknown_language_is_an_error(tmp_path: Path, language: str) -> None:
    with pytest.raises(BenchError, match=language.replace("+", ".")):
        open_corpus(f"synthetic:{language}", {"1": ["eins"], "2": ["zwei"]}, cache=tmp_path)

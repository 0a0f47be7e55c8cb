"""The pocketsphinx backend on the model that its wheel ships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from backends import find
from backends.base import Audio, BackendError
from backends.pocketsphinx import PocketSphinx
from bench.audio import read
from bench.config import DIGITS
from bench.corpora.synthetic import open_synthetic
from sound.resample import resample

pytest.importorskip("pocketsphinx")

RATE = PocketSphinx.sample_rate
CLIPS = {"0_lucas_1": "0", "3_lucas_2": "3", "5_lucas_0": "5", "7_theo_1": "7", "9_yweweler_3": "9", "2_theo_4": "2"}
"""Clips of the official test split."""


def loaded(vocabulary: Mapping[str, Sequence[str]] = DIGITS) -> PocketSphinx:
    backend = PocketSphinx(vocabulary)
    backend.prepare()
    backend.load()
    return backend


@pytest.fixture(scope="module")
def backend() -> PocketSphinx:
    return loaded()


def noise(samples: int, level: float = 0.1) -> Audio:
    return (level * np.random.default_rng(samples).standard_normal(samples)).astype(np.float32)


def clips(data: Path) -> list[Audio]:
    return [resample(*read(data / f"fsdd/recordings/{name}.wav"), RATE) for name in CLIPS]


def test_digits_and_their_texts(backend: PocketSphinx, data: Path) -> None:
    predictions = [backend.predict(clip) for clip in clips(data)]
    assert [prediction.label for prediction in predictions] == list(CLIPS.values())
    assert predictions[2].text == "five"
    assert all(prediction.scores is None for prediction in predictions)


def test_what_was_heard_before_changes_nothing(backend: PocketSphinx, data: Path) -> None:
    """Texts and path scores, to the last bit, whatever the order and the level of other clips."""

    def hear(decoder: PocketSphinx, clip: Audio) -> tuple[str | None, str | None, int | None]:
        prediction, best = decoder.predict(clip), decoder._decoder.hyp()
        return prediction.label, prediction.text, best and best.score

    heard = [*clips(data), noise(8_000), noise(160_000, 0.5)]
    alone = [hear(loaded(), clip) for clip in heard]
    generator = np.random.default_rng(0)
    for _ in range(3):
        for index in generator.permutation(len(heard)):
            assert hear(backend, heard[index]) == alone[index]
            backend.predict(generator.uniform(0, 1) * heard[generator.integers(len(heard))])


@pytest.mark.parametrize("samples", [0, 1, 160, RATE // 2, 10 * RATE])
def test_any_length_of_silence_is_no_digit(backend: PocketSphinx, samples: int) -> None:
    for level in (0.0, 1e-6, 0.2):
        assert backend.predict(np.full(samples, level, np.float32)).label is None


@pytest.mark.parametrize("samples", [RATE // 2, 10 * RATE])
@pytest.mark.parametrize("level", [0.01, 0.1, 0.5])
def test_noise_is_no_digit(backend: PocketSphinx, samples: int, level: float) -> None:
    assert backend.predict(noise(samples, level)).label is None


def test_half_a_second_of_silence_around_a_digit_rarely_hides_it(backend: PocketSphinx, data: Path) -> None:
    silence = noise(RATE // 2, 1e-4)
    heard = [backend.predict(np.concatenate([silence, clip, silence])).label for clip in clips(data)]
    assert sum(label == truth for label, truth in zip(heard, CLIPS.values(), strict=True)) >= 5


def test_samples_beyond_full_scale_are_clipped(backend: PocketSphinx) -> None:
    assert backend.predict(noise(8_000, 100.0)) == backend.predict(np.clip(noise(8_000, 100.0), -1, 1))


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    fresh = loaded({"0": ["zero", "qqxq"], "1": ["one"]})
    for samples in (0, 1, 2, 30, 8_000):
        fresh.predict(noise(samples))
    assert capfd.readouterr() == ("", "")


def test_homophones_of_one_label_are_one_word(backend: PocketSphinx) -> None:
    assert backend.settings() == {
        "model": "en-us",
        "cmn": "batch",
        "padding_s": 0.1,
        "grammar": "zero | oh | one | two | three | four | five | six | seven | eight | nine",
    }


def test_words_not_in_the_dictionary_are_left_out() -> None:
    vocabulary = {"0": ["0", "zero", "qqxq"], "a": ["A", "a."], "stop": [], "on": ["ON", "on, please", "turn qqxq"]}
    assert loaded(vocabulary).settings()["grammar"] == "zero | a | stop | on | on please"


@pytest.mark.parametrize(
    ("vocabulary", "message"),
    [
        ({"0": ["0", "qqxq"], "1": ["one"]}, "label '0' .* '0', 'qqxq'"),
        ({"7": [], "1": ["one"]}, "label '7'"),
        ({"?": ["?!"], "1": ["one"]}, "label '\\?'"),
        ({"yes": ["yes"], "aye": ["aye", "Yes"]}, "'yes' is spoken for 'yes' and for 'aye'"),
    ],
)
def test_a_vocabulary_that_cannot_be_told_is_an_error(vocabulary: dict[str, list[str]], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        loaded(vocabulary)


def test_phrases_and_words_that_jsgf_keeps_for_itself(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader")
    vocabulary = {"left": ["turn left"], "right": ["right now"], "public": ["public"], "import": ["grammar"]}
    corpus = open_synthetic(vocabulary, tmp_path, speakers=["en-us"], takes=2)
    backend = loaded(vocabulary)
    for path in corpus.clips["path"]:
        prediction = backend.predict(resample(*read(tmp_path / corpus.root / path), RATE))
        assert prediction.label is None or [prediction.text] == vocabulary[prediction.label]
    assert backend.settings()["grammar"] == "turn left | right now | public | grammar"


def test_artifacts_are_the_model_without_its_language_model(backend: PocketSphinx) -> None:
    names = {path.name for path in backend.artifacts()}
    assert names >= {"mdef", "means", "variances", "sendump", "transition_matrices", "cmudict-en-us.dict"}
    assert not any("lm" in name for name in names)
    assert all(path.is_file() for path in backend.artifacts())


def test_a_missing_model_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pocketsphinx.get_model_path", lambda part: str(tmp_path / part))
    with pytest.raises(BackendError, match="reinstall pocketsphinx"):
        PocketSphinx(DIGITS).load()


@pytest.mark.parametrize("damaged", ["mdef", "means", "feat.params"])
def test_a_damaged_model_is_an_error(
    backend: PocketSphinx, damaged: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "en-us" / "en-us").mkdir(parents=True)
    *model, dictionary = backend.artifacts()
    for path in model:
        content = path.read_bytes()
        (tmp_path / "en-us" / "en-us" / path.name).write_bytes(content[:100] if path.name == damaged else content)
    (tmp_path / "en-us" / dictionary.name).write_bytes(dictionary.read_bytes())
    monkeypatch.setattr("pocketsphinx.get_model_path", lambda part: str(tmp_path / part))
    if damaged == "feat.params":
        (tmp_path / "en-us" / "en-us" / damaged).write_text("-nosuchoption 3\n")
    with pytest.raises(BackendError, match="cannot load"):
        PocketSphinx(DIGITS).load()


def test_it_is_registered() -> None:
    assert find("pocketsphinx").load() is PocketSphinx


def test_without_a_vocabulary_any_words_may_be_said() -> None:
    backend = loaded({})
    assert backend.settings()["words"] == "trigrams" and "grammar" not in backend.settings()
    assert any(path.name == "en-us.lm.bin" for path in backend.artifacts())
    assert backend.predict(np.zeros(8_000, np.float32)).text == ""
    assert backend.predict(np.zeros(0, np.float32)).text == ""
    heard = backend.predict(noise(32_000))
    assert heard.label is None and heard == backend.predict(noise(32_000))


def test_sentences_and_their_words(data: Path) -> None:
    path = data / "librispeech/test-clean/237-134500-0000.flac"
    if not path.exists():
        pytest.skip("needs real recordings of sentences: set DIGITBENCH_DATA")
    words = str(loaded({}).predict(resample(*read(path), RATE)).text).split()
    said = {"frank", "read", "english", "slowly", "and", "the", "more", "he", "about", "this", "divorce", "case"}
    assert len({*words} & said) > 6


def test_another_language_is_refused() -> None:
    with pytest.raises(BackendError, match="does not know language 'de'"):
        PocketSphinx({}, language="de")

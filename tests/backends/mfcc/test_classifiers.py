from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sklearn.preprocessing import StandardScaler

from backends.base import BackendError, Clip
from backends.kit.selection import inner_folds, softmax, temperature
from backends.mfcc.classifiers import MfccLogreg, MfccSvm
from backends.mfcc.features import FrontEnd, cmvn, pool
from backends.mfcc.pipeline import Mfcc
from tests.backends.mfcc.models import TEST, TRAIN, VOCABULARY, clip, clips, every, scores

DIGITS = {str(digit): [str(digit)] for digit in range(10)}


def test_it_learns(fitted: Mfcc) -> None:
    assert [fitted.predict(c.audio).label for c in TEST] == [c.label for c in TEST]


def test_scores_are_probabilities_whose_best_is_the_label(fitted: Mfcc) -> None:
    for prediction in fitted.predict_batch([c.audio for c in TEST]):
        assert prediction.scores is not None
        assert list(prediction.scores) == list(VOCABULARY)
        assert sum(prediction.scores.values()) == pytest.approx(1)
        assert max(prediction.scores, key=prediction.scores.__getitem__) == prediction.label


def test_the_label_is_the_classifiers_own_decision(fitted: Mfcc) -> None:
    assert fitted._fitted is not None
    heard = [*TEST, *(clip("mid", seed, samples=200) for seed in range(20))]
    features = np.stack([fitted._vector(c.audio, fitted._frames(c.audio), fitted._fitted.cmvn) for c in heard])
    labels = [prediction.label for prediction in fitted.predict_batch([c.audio for c in heard])]
    assert labels == fitted._fitted.pipeline.predict(features).tolist()


def test_a_batch_says_what_single_clips_say(fitted: Mfcc) -> None:
    for one, many in zip((fitted.predict(c.audio) for c in TEST), scores(fitted), strict=True):
        assert one.scores == pytest.approx(many)
    assert fitted.predict_batch([]) == []


def test_features_are_marked_once_a_prediction() -> None:
    backend = MfccLogreg(VOCABULARY)
    stages: list[str] = []
    backend.fit(TRAIN)
    backend.mark = stages.append
    backend.predict(TEST[0].audio)
    assert stages == ["features"]


@pytest.mark.parametrize("samples", [1, 5, 80, 300])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_tiny_or_silent_clips_get_finite_scores(fitted: Mfcc, samples: int, level: float) -> None:
    prediction = fitted.predict(np.full(samples, level, dtype=np.float32))
    assert np.isfinite(list((prediction.scores or {}).values())).all()


def test_settings_and_parameters_describe_the_fitted_model(fitted: Mfcc) -> None:
    settings = fitted.settings()
    assert settings["features"] == 144
    assert (settings["window_ms"], settings["hop_ms"]) == (25, 10)
    assert all(settings[name] in values for name, values in fitted.grid.items())
    assert settings["chosen_on"] == "3 folds by speaker"
    assert (fitted.parameters() or 0) > 2 * 36 + 2 * 144


def test_parameters_of_the_linear_model_are_counted_exactly() -> None:
    backend = MfccLogreg(VOCABULARY)
    assert backend.parameters() is None
    backend.fit(TRAIN)
    assert backend.parameters() == 2 * 36 + 2 * 144 + 3 * (144 + 1) + 1


def test_scalars_add_duration_and_level() -> None:
    backend = MfccLogreg(VOCABULARY, scalars=True)
    backend.fit(TRAIN)
    assert backend.settings()["features"] == 147
    assert backend.predict(TEST[0].audio).label == TEST[0].label


# Leaks


@every
def test_a_second_fit_does_not_remember_the_first(kind: type[Mfcc]) -> None:
    again, fresh = kind(VOCABULARY), kind(VOCABULARY)
    again.fit(clips(2, seed=5))
    again.fit(TRAIN)
    fresh.fit(TRAIN)
    assert scores(again) == scores(fresh)


def test_statistics_are_those_of_the_training_clips_alone() -> None:
    backend, front_end = MfccSvm(VOCABULARY), FrontEnd()
    backend.fit(TRAIN, validation=clips(1, seed=9))
    assert backend._fitted is not None
    frames = [front_end.frames(c.audio) for c in TRAIN]
    np.testing.assert_allclose(backend._fitted.cmvn, cmvn(frames))
    scaler = StandardScaler().fit(np.stack([pool(f, cmvn(frames)) for f in frames]))
    np.testing.assert_allclose(backend._fitted.pipeline[0].mean_, scaler.mean_)
    np.testing.assert_allclose(backend._fitted.pipeline[0].scale_, scaler.scale_)


def test_test_clips_however_loud_change_nothing(fitted: Mfcc) -> None:
    before = scores(fitted)
    fitted.predict_batch([1_000 * c.audio for c in TEST])
    assert scores(fitted) == before


def test_validation_clips_choose_but_are_not_learned_from() -> None:
    """Two sets of validation clips that lead to the same choice lead to the same classifier."""
    one, two = MfccLogreg(VOCABULARY), MfccLogreg(VOCABULARY)
    one.fit(TRAIN, validation=clips(1, seed=7))
    two.fit(TRAIN, validation=clips(2, seed=8))
    assert one._fitted is not None
    assert two._fitted is not None
    assert one.settings()["chosen_on"] == "validation"
    assert one.settings()["C"] == two.settings()["C"]
    np.testing.assert_array_equal(one._fitted.pipeline[-1].coef_, two._fitted.pipeline[-1].coef_)


@every
def test_permuted_labels_fall_to_chance(kind: type[Mfcc]) -> None:
    train, test = clips(5), clips(10, seed=2)
    order = np.random.default_rng(0).permutation(len(train))
    backend = kind(VOCABULARY)
    backend.fit([Clip(c.audio, train[other].label, c.speaker) for c, other in zip(train, order, strict=True)])
    right = np.mean(
        [p.label == c.label for p, c in zip(backend.predict_batch([c.audio for c in test]), test, strict=True)]
    )
    assert right < 0.65


# Little to learn from


@every
@pytest.mark.parametrize(
    "train",
    [
        [clip("low", 0), clip("mid", 1)],
        [clip("low", 0), clip("low", 1), clip("mid", 2)],
        [clip("low", seed, "a") for seed in range(5)] + [clip("high", 9, "a")],
        [clip(label, seed, "a") for seed in range(3) for label in VOCABULARY],
        [clip("low", 0, "a"), clip("low", 1, "b"), clip("mid", 2, "c")],
        [*clips(1), clip("low", 50), clip("mid", 51)],
    ],
    ids=["one a label", "two and one", "a rare label", "one speaker", "labels by speaker", "some speakers unknown"],
)
def test_few_clips_are_enough(kind: type[Mfcc], train: list[Clip]) -> None:
    backend = kind(VOCABULARY)
    backend.fit(train)
    for prediction in backend.predict_batch([c.audio for c in train]):
        assert prediction.label in {c.label for c in train}
        assert set(prediction.scores or {}) == set(VOCABULARY)


@every
@pytest.mark.parametrize(
    ("train", "message"),
    [([], "0 label"), ([clip("low", 0), clip("low", 1)], "1 label")],
    ids=["nothing", "one label"],
)
def test_what_cannot_be_learned_is_an_error(kind: type[Mfcc], train: list[Clip], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        kind(VOCABULARY).fit(train)


def test_labels_outside_the_vocabulary_are_an_error() -> None:
    with pytest.raises(BackendError, match="outside the vocabulary: high"):
        MfccSvm({"low": ["low"], "mid": ["mid"]}).fit(TRAIN)


@pytest.mark.parametrize(
    "use", [lambda b: b.predict(TEST[0].audio), lambda b: b.predict_batch([]), lambda b: b.save(Path("x"))]
)
def test_before_fit_every_use_is_an_error(use: Callable[[Mfcc], object]) -> None:
    with pytest.raises(BackendError, match="fit or restore"):
        use(MfccSvm(VOCABULARY))


# Choosing


def test_inner_folds_keep_speakers_apart() -> None:
    train = clips(2, speakers=("a", "b", "c", "d", "e", "f", None))
    folds, how = inner_folds(train, seed=0)
    assert how == "5 folds by speaker"
    assert sorted(row for _, test in folds for row in test) == list(range(len(train)))
    for fold, test in folds:
        shared = {train[row].speaker for row in fold} & {train[row].speaker for row in test}
        assert shared <= {None}


@pytest.mark.parametrize("speakers", [(None,), ("a",), ("a", "b")])
def test_inner_folds_are_by_label_where_speakers_are_few(speakers: Sequence[str | None]) -> None:
    train = clips(6, speakers=speakers)
    folds, how = inner_folds(train, seed=0)
    assert how == "5 folds by label"
    assert all({train[row].label for row in test} == set(VOCABULARY) for _, test in folds)


def test_temperature_undoes_a_known_overconfidence() -> None:
    generator = np.random.default_rng(0)
    logits = generator.normal(0, 2, (20_000, 4))
    truth = np.array([generator.choice(4, p=row) for row in softmax(logits)])
    assert temperature(3 * logits, truth) == pytest.approx(3, rel=0.05)


# Real recordings


def test_real_digits_of_heard_speakers(data: Path) -> None:
    """Every fourth training take of FSDD, tested on the official test takes."""

    def read(take: int) -> list[Clip]:
        paths = sorted((data / "fsdd" / "recordings").glob(f"*_{take}.wav"))
        return [Clip(soundfile.read(path, dtype="float32")[0], *path.stem.split("_")[:2]) for path in paths]

    train = [c for take in range(5, 50, 4) for c in read(take)]
    test = [c for take in range(5) for c in read(take)]
    assert (len(train), len(test)) == (720, 300)
    backend = MfccSvm(DIGITS)
    backend.fit(train)
    right = [p.label == c.label for p, c in zip(backend.predict_batch([c.audio for c in test]), test, strict=True)]
    assert np.mean(right) > 0.95

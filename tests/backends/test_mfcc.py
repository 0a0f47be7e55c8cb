from __future__ import annotations

import io
import json
import operator
import pickle
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
import soundfile
from sklearn.preprocessing import StandardScaler

from backends.base import BackendError, Clip
from backends.mfcc import MfccLogreg, MfccRf, MfccSvm
from backends.mfcc_features import FrontEnd, cmvn, pool
from backends.mfcc_pipeline import Mfcc
from backends.modelfile import HEADER, read_header
from backends.selection import inner_folds, softmax, temperature

VOCABULARY = {"low": ["low"], "mid": ["mid"], "high": ["high"]}
DIGITS = {str(digit): [str(digit)] for digit in range(10)}
FAMILY: list[type[Mfcc]] = [MfccSvm, MfccLogreg, MfccRf]
every = pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.name)


def clip(label: str, seed: int, speaker: str | None = None, samples: int = 2_400) -> Clip:
    """A tone per label in noise."""
    hertz = {"low": 300, "mid": 900, "high": 2_200}[label]
    generator = np.random.default_rng(seed)
    tone = np.sin(2 * np.pi * hertz * generator.uniform(0.9, 1.1) * np.arange(samples) / 8_000)
    return Clip((0.2 * tone + 0.1 * generator.standard_normal(samples)).astype(np.float32), label, speaker)


def clips(takes: int, seed: int = 0, speakers: Sequence[str | None] = ("a", "b", "c")) -> list[Clip]:
    return [
        clip(label, 1_000 * seed + 100 * i + 10 * j + take, speaker)
        for i, label in enumerate(VOCABULARY)
        for j, speaker in enumerate(speakers)
        for take in range(takes)
    ]


TRAIN, TEST = clips(3), clips(2, seed=1)


@pytest.fixture(scope="module", params=FAMILY, ids=lambda kind: kind.name)
def fitted(request: pytest.FixtureRequest) -> Mfcc:
    backend: Mfcc = request.param(VOCABULARY)
    backend.fit(TRAIN)
    return backend


def scores(backend: Mfcc, heard: Sequence[Clip] = TEST) -> list[dict[str, float]]:
    return [dict(prediction.scores or {}) for prediction in backend.predict_batch([c.audio for c in heard])]


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


# Model files


@pytest.fixture
def saved(fitted: Mfcc, tmp_path: Path) -> Path:
    path = tmp_path / "model.skops"
    fitted.save(path)
    return path


def test_restored_it_predicts_the_same_bit_for_bit(fitted: Mfcc, saved: Path) -> None:
    other = type(fitted)(VOCABULARY)
    other.restore(saved)
    assert scores(other) == scores(fitted)
    assert other.settings() == fitted.settings()
    assert other.parameters() == fitted.parameters()
    assert other.artifacts() == [saved]


def test_the_header_says_which_class_to_make(tmp_path: Path) -> None:
    backend, path = MfccLogreg(VOCABULARY, scalars=True, seed=3), tmp_path / "model.skops"
    backend.fit(TRAIN)
    backend.save(path)
    header = read_header(path)
    assert (header.backend, header.vocabulary, header.variant) == ("mfcc-logreg", VOCABULARY, "")
    other = MfccLogreg(header.vocabulary, header.variant, **header.options)  # type: ignore[arg-type]
    other.restore(path)
    assert (other.scalars, other.seed) == (True, 3)
    assert scores(other) == scores(backend)


def test_restore_takes_over_the_options_of_the_file(tmp_path: Path) -> None:
    backend, other, path = MfccLogreg(VOCABULARY, scalars=True), MfccLogreg(VOCABULARY), tmp_path / "model.skops"
    backend.fit(TRAIN)
    backend.save(path)
    other.restore(path)
    assert scores(other) == scores(backend)


@every
def test_a_model_of_two_labels_survives_the_file(kind: type[Mfcc], tmp_path: Path) -> None:
    backend, other, path = kind(VOCABULARY), kind(VOCABULARY), tmp_path / "model.skops"
    backend.fit([c for c in TRAIN if c.label != "high"])
    backend.save(path)
    other.restore(path)
    assert scores(other) == scores(backend)
    assert all(row["high"] == 0 for row in scores(other))


def test_a_model_of_another_backend_is_an_error(fitted: Mfcc, saved: Path) -> None:
    for kind in FAMILY:
        if kind is not type(fitted):
            with pytest.raises(BackendError, match=f"a model of {fitted.name}, not of {kind.name}"):
                kind(VOCABULARY).restore(saved)


def test_a_model_of_other_labels_is_an_error(fitted: Mfcc, saved: Path) -> None:
    with pytest.raises(BackendError, match="model of the labels low, mid, high"):
        type(fitted)({"left": ["left"], "right": ["right"]}).restore(saved)


def test_a_failed_restore_leaves_nothing_behind(fitted: Mfcc, saved: Path, tmp_path: Path) -> None:
    other = type(fitted)(VOCABULARY)
    other.restore(saved)
    with pytest.raises(BackendError):
        other.restore(tmp_path / "missing.skops")
    with pytest.raises(BackendError, match="fit or restore"):
        other.predict(TEST[0].audio)
    assert other.artifacts() == []


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_an_error(fitted: Mfcc, saved: Path, share: float) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(share * len(content))])
    with pytest.raises(BackendError, match=re.escape(str(saved))):
        type(fitted)(VOCABULARY).restore(saved)


def test_a_flipped_byte_is_an_error_or_harmless(fitted: Mfcc, saved: Path) -> None:
    content, generator = saved.read_bytes(), np.random.default_rng(0)
    for at in generator.integers(0, len(content), 20):
        saved.write_bytes(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :])
        other = type(fitted)(VOCABULARY)
        try:
            other.restore(saved)
        except BackendError as error:
            assert str(saved) in str(error)
        else:
            assert scores(other) == scores(fitted)


@pytest.mark.parametrize("content", [b"junk", b"PK\x03\x04junk", b"{}", b"[1]"])
def test_junk_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    with pytest.raises(BackendError, match=re.escape(str(path))):
        MfccSvm(VOCABULARY).restore(path)


def test_a_folder_or_nothing_at_all_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.skops"):
        with pytest.raises(BackendError, match=re.escape(str(path))):
            MfccSvm(VOCABULARY).restore(path)


def test_saving_where_one_cannot_is_an_error(fitted: Mfcc, tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="cannot be written"):
        fitted.save(tmp_path / "no such folder" / "model.skops")


class Payload:
    """Leaves a mark when a careless reader brings it to life."""

    def __init__(self, mark: Path) -> None:
        self.mark = str(mark)

    def __setstate__(self, state: dict[str, str]) -> None:
        Path(state["mark"]).touch()

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path(self.mark),)


def forge(path: Path, model: Path, state: object) -> None:
    """The header of an honest model over a state of one's own."""
    buffer = io.BytesIO()
    skops.io.dump(state, buffer)
    with zipfile.ZipFile(model) as honest, zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(HEADER, honest.read(HEADER))
    path.write_bytes(buffer.getvalue())


def honest_state(path: Path) -> dict[str, Any]:
    state: dict[str, Any] = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
    return state


def test_code_in_a_skops_file_is_not_run(fitted: Mfcc, saved: Path, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "evil.skops"
    buffer = io.BytesIO()
    skops.io.dump(Payload(mark), buffer)
    skops.io.load(buffer, trusted=skops.io.get_untrusted_types(data=buffer.getvalue()))
    assert mark.exists(), "the payload works on a reader that trusts it"
    mark.unlink()
    for evil in (Payload(mark), operator.methodcaller("touch"), Path.touch):
        forge(path, saved, honest_state(saved) | {"chosen_on": evil})
        with pytest.raises(BackendError, match=re.escape(str(path))):
            type(fitted)(VOCABULARY).restore(path)
    assert not mark.exists()


def test_code_in_a_pickle_is_not_run(fitted: Mfcc, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "evil.skops"
    path.write_bytes(pickle.dumps(Payload(mark)))
    with pytest.raises(BackendError, match=re.escape(str(path))):
        type(fitted)(VOCABULARY).restore(path)
    assert not mark.exists()
    pickle.loads(path.read_bytes())
    assert mark.exists(), "the payload works on a reader that unpickles it"


def test_types_that_skops_trusts_but_no_model_needs_are_an_error(fitted: Mfcc, saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "odd.skops"
    forge(path, saved, honest_state(saved) | {"chosen_on": np.random.default_rng(0)})
    with pytest.raises(BackendError, match="no digitbench model needs"):
        type(fitted)(VOCABULARY).restore(path)


def test_parts_that_do_not_fit_together_are_an_error(fitted: Mfcc, saved: Path, tmp_path: Path) -> None:
    path, honest = tmp_path / "odd.skops", honest_state(saved)
    scaler, _ = honest["pipeline"]
    wrong: list[object] = [
        [],
        {},
        honest | {"cmvn": np.zeros((2, 3))},
        honest | {"temperature": 0.0},
        honest | {"temperature": "warm"},
        honest | {"pipeline": scaler},
        honest | {"front_end": {"sample_rate": 16_000}},
    ]
    for state in wrong:
        forge(path, saved, state)
        with pytest.raises(BackendError, match=re.escape(str(path))):
            type(fitted)(VOCABULARY).restore(path)


def _fewer_vectors(classifier: Any) -> None:
    classifier._n_support = classifier._n_support + 1_000


def _endless_tree(classifier: Any) -> None:
    tree = classifier.estimators_[0].tree_
    state = tree.__getstate__()
    state["nodes"]["left_child"][0] = 10_000
    tree.__setstate__(state)


def _narrow_weights(classifier: Any) -> None:
    classifier.coef_ = classifier.coef_[:, :10]


@pytest.mark.parametrize(
    ("kind", "tamper"), [(MfccSvm, _fewer_vectors), (MfccRf, _endless_tree), (MfccLogreg, _narrow_weights)]
)
def test_arrays_that_would_be_read_past_their_end_are_an_error(
    kind: type[Mfcc], tamper: Callable[[Any], None], tmp_path: Path
) -> None:
    backend, honest, path = kind(VOCABULARY), tmp_path / "honest.skops", tmp_path / "odd.skops"
    backend.fit(TRAIN)
    backend.save(honest)
    state = honest_state(honest)
    tamper(state["pipeline"][-1])
    forge(path, honest, state)
    with pytest.raises(BackendError, match="do not fit together"):
        kind(VOCABULARY).restore(path)


def test_a_header_of_another_format_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    header = {"format": 99, "backend": "mfcc-svm", "vocabulary": VOCABULARY, "options": {}, "variant": ""}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(HEADER, json.dumps(header))
    with pytest.raises(BackendError, match="format 99"):
        read_header(path)


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

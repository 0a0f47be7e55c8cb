from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from backends.base import Audio, BackendError, Clip
from backends.kit.arrayfile import STATE
from backends.kit.modelfile import HEADER
from backends.lite.backend import MfccLite

VOCABULARY = {"up": ["up"], "down": ["down"], "flat": ["flat"]}


def audio(label: str, seed: int, samples: int = 2_400) -> Audio:
    """A tone that rises, falls or stays, in noise."""
    generator = np.random.default_rng(seed)
    slope = {"up": 1, "down": -1, "flat": 0}[label] * generator.uniform(800, 1_200)
    middle = generator.uniform(900, 1_300)
    hertz = middle + slope * np.linspace(-1, 1, samples) / 2
    noise = 0.01 * generator.standard_normal(samples)
    return (0.2 * np.sin(2 * np.pi * np.cumsum(hertz) / 8_000) + noise).astype(np.float32)


def clips(takes: int, seed: int = 0, speakers: Sequence[str | None] = ("a", "b", "c")) -> list[Clip]:
    return [
        Clip(audio(label, 10_000 * seed + 1_000 * i + 100 * j + take), label, speaker)
        for i, label in enumerate(VOCABULARY)
        for j, speaker in enumerate(speakers)
        for take in range(takes)
    ]


TRAIN, TEST = clips(3), clips(3, seed=1)


@pytest.fixture(scope="module")
def fitted() -> MfccLite:
    backend = MfccLite(VOCABULARY)
    backend.fit(TRAIN)
    return backend


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fits of a second, for what does not depend on how long one trains."""
    monkeypatch.setattr("backends.lite.backend.PASSES", 12)
    monkeypatch.setattr("backends.lite.backend.LEAST_STEPS", 12)


def test_it_learns(fitted: MfccLite) -> None:
    assert np.mean([fitted.predict(c.audio).label == c.label for c in TEST]) > 0.9


def test_silence_level_and_offset_around_a_clip_change_no_label(fitted: MfccLite) -> None:
    for c in TEST:
        quiet = 1e-4 * np.random.default_rng(0).standard_normal(8_000)
        heard = np.concatenate([quiet, 0.1 * c.audio, quiet[::-1]]).astype(np.float32)
        assert fitted.predict(heard).label == fitted.predict(c.audio).label


def test_scores_are_probabilities_whose_best_is_the_label(fitted: MfccLite) -> None:
    for prediction in fitted.predict_batch([c.audio for c in TEST]):
        assert prediction.scores is not None
        assert list(prediction.scores) == list(VOCABULARY)
        assert sum(prediction.scores.values()) == pytest.approx(1)
        assert max(prediction.scores, key=prediction.scores.__getitem__) == prediction.label


def test_a_batch_says_what_single_clips_say(fitted: MfccLite) -> None:
    for one, many in zip(
        (fitted.predict(c.audio) for c in TEST), fitted.predict_batch([c.audio for c in TEST]), strict=True
    ):
        assert one.scores == pytest.approx(many.scores, abs=1e-5)
    assert fitted.predict_batch([]) == []


def test_features_are_marked_once_a_prediction(fitted: MfccLite, monkeypatch: pytest.MonkeyPatch) -> None:
    stages: list[str] = []
    monkeypatch.setattr(fitted, "mark", stages.append)
    fitted.predict(TEST[0].audio)
    assert stages == ["features"]


@pytest.mark.parametrize("samples", [1, 5, 80, 24_000])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_tiny_long_or_silent_clips_get_finite_scores(fitted: MfccLite, samples: int, level: float) -> None:
    prediction = fitted.predict(np.full(samples, level, dtype=np.float32))
    assert np.isfinite(list((prediction.scores or {}).values())).all()


def test_the_same_clips_make_the_same_file_whatever_was_fitted_before(brief: None, tmp_path: Path) -> None:
    first, again = MfccLite(VOCABULARY), MfccLite(VOCABULARY)
    first.fit(TRAIN)
    again.fit(clips(1, seed=5))
    again.fit(TRAIN)
    again.save(tmp_path / "again")
    first.save(tmp_path / "first")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "first").read_bytes()


@pytest.mark.parametrize("speakers", [(None,), ("a",), ("a", None)])
def test_few_clips_without_speakers_are_enough(brief: None, speakers: Sequence[str | None]) -> None:
    backend = MfccLite(VOCABULARY, augment=False)
    backend.fit([*clips(1, speakers=speakers), Clip(np.ones(1, np.float32), "up")])
    assert backend.predict(TEST[0].audio).label in VOCABULARY


def test_validation_sets_the_temperature_and_nothing_else(brief: None) -> None:
    plain, checked = (MfccLite(VOCABULARY, augment=False) for _ in range(2))
    plain.fit(TRAIN)
    checked.fit(TRAIN, TEST)
    for weights, others in zip(plain._ready().networks, checked._ready().networks, strict=True):
        assert all((weights[name] == others[name]).all() for name in weights)
    assert checked.settings()["chosen_on"] == "validation"


def test_a_label_never_heard_scores_zero(brief: None) -> None:
    backend = MfccLite({**VOCABULARY, "never": ["never"]}, augment=False)
    backend.fit(TRAIN)
    assert (backend.predict(TEST[0].audio).scores or {})["never"] == 0


@pytest.mark.parametrize(
    ("train", "message"), [([], "takes two"), (TRAIN[:3], "takes two"), ([replace(TRAIN[0], label="x")], "vocabulary")]
)
def test_what_cannot_be_learned_from_is_an_error(train: Sequence[Clip], message: str) -> None:
    with pytest.raises(BackendError, match=message):
        MfccLite(VOCABULARY).fit(train)


def test_an_unfitted_model_predicts_and_saves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="fit or restore"):
        MfccLite(VOCABULARY).predict(TEST[0].audio)
    with pytest.raises(BackendError, match="fit or restore"):
        MfccLite(VOCABULARY).save(tmp_path / "model")


# Model files


@pytest.fixture(scope="module")
def model(fitted: MfccLite, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lite") / "model"
    fitted.save(path)
    return path


def test_a_restored_model_predicts_the_same(fitted: MfccLite, model: Path) -> None:
    restored = MfccLite(VOCABULARY)
    restored.restore(model)
    assert restored.artifacts() == [model]
    assert restored.settings() == fitted.settings()
    assert restored.parameters() == fitted.parameters()
    for c in TEST:
        assert restored.predict(c.audio) == fitted.predict(c.audio)


def test_predicting_imports_neither_scikit_learn_nor_scipy(model: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import numpy as np; from backends.lite.backend import MfccLite;"
        f"b = MfccLite({VOCABULARY!r}); b.restore(Path({str(model)!r})); b.predict(np.ones(900, np.float32));"
        "loaded = {name.split('.')[0] for name in sys.modules};"
        "print(sorted(loaded & {'sklearn', 'scipy', 'librosa', 'skops', 'torch'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def rewritten(model: Path, out: Path, name: str, content: bytes | None) -> Path:
    with zipfile.ZipFile(model) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.namelist():
            kept = old.read(member) if member != name else content
            if kept is not None:
                new.writestr(member, kept)
    return out


def test_a_broken_or_forged_model_is_refused(model: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(model) as archive:
        state = json.loads(archive.read(STATE))
        header = json.loads(archive.read(HEADER))
        array = archive.read("1.out.npy")
    forgeries: list[tuple[str, bytes | None]] = [
        ("1.out.npy", None),
        ("1.out.npy", b""),
        ("1.out.npy", array[:-4]),
        ("1.out.npy", array[:-4] + np.float32(np.nan).tobytes()),
        ("1.out.npy", array + bytes(5_000)),
        (STATE, json.dumps(state | {"temperature": 0}).encode()),
        (STATE, json.dumps(state | {"classes": ["up", "up", "down"]}).encode()),
        (STATE, json.dumps(state | {"front_end": {}}).encode()),
        (HEADER, json.dumps(header | {"backend": "mfcc-svm"}).encode()),
    ]
    for number, (name, content) in enumerate(forgeries):
        with pytest.raises(BackendError, match=f"broken{number}"):
            MfccLite(VOCABULARY).restore(rewritten(model, tmp_path / f"broken{number}", name, content))
    (tmp_path / "text").write_text("no zip")
    with pytest.raises(BackendError, match="text"):
        MfccLite(VOCABULARY).restore(tmp_path / "text")

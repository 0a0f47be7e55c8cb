from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backends.base import BackendError, Clip
from backends.chance import Chance
from backends.kit.modelfile import read_header

VOCABULARY = {"yes": ["yes"], "no": ["no"], "go": ["go"]}
AUDIO = np.zeros(10, dtype=np.float32)


def fitted(*labels: str) -> Chance:
    backend = Chance(VOCABULARY)
    backend.fit([Clip(AUDIO, label) for label in labels])
    return backend


def test_it_says_the_commonest_training_label() -> None:
    prediction = fitted("no", "go", "no", "yes").predict(AUDIO)
    assert prediction.label == "no"
    assert prediction.scores == {"yes": 0.25, "no": 0.5, "go": 0.25}


def test_a_second_fit_forgets_the_first() -> None:
    backend = fitted("no", "no", "no")
    backend.fit([Clip(AUDIO, "go")])
    assert backend.predict(AUDIO).label == "go"


def test_saved_and_restored_it_says_the_same(tmp_path: Path) -> None:
    backend, other, path = fitted("no", "go", "no"), Chance(VOCABULARY), tmp_path / "model.json"
    backend.save(path)
    other.restore(path)
    assert other.predict(AUDIO) == backend.predict(AUDIO)
    assert other.artifacts() == [path]
    assert read_header(path).backend == "chance"


@pytest.mark.parametrize("labels", [(), ("other",)])
def test_nothing_to_learn_from_is_an_error(labels: tuple[str, ...]) -> None:
    with pytest.raises(BackendError, match="no training clip"):
        fitted(*labels)


def test_before_fit_every_use_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="fit"):
        Chance(VOCABULARY).predict(AUDIO)
    with pytest.raises(BackendError, match="fit"):
        Chance(VOCABULARY).save(tmp_path / "model")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\x80\x04junk", b"null"])
def test_a_file_that_is_no_model_is_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(BackendError, match=r"model\.json"):
        Chance(VOCABULARY).restore(path)


def test_scores_of_a_file_must_be_finite(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    fitted("no").save(path)
    path.write_text(path.read_text().replace("1.0", "NaN"))
    with pytest.raises(BackendError, match="NaN is not a number"):
        Chance(VOCABULARY).restore(path)


def test_a_model_of_other_labels_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    fitted("no").save(path)
    with pytest.raises(BackendError, match="labels"):
        Chance({"left": ["left"], "right": ["right"]}).restore(path)

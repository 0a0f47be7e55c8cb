"""Model files: what was saved is restored, and nothing else is believed."""

from __future__ import annotations

import io
import json
import operator
import pickle
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io

from backends.base import BackendError
from backends.kit.modelfile import HEADER, read_header
from backends.mfcc.classifiers import MfccLogreg, MfccRf, MfccSvm
from backends.mfcc.pipeline import Mfcc
from tests.backends.mfcc.models import FAMILY, TEST, TRAIN, VOCABULARY, every, scores


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


def survives(kind: type[Mfcc], path: Path) -> Mfcc | None:
    """The restored model, or None if that ended in the one error it may end in."""
    other = kind(VOCABULARY)
    try:
        other.restore(path)
    except BackendError as error:
        assert str(path) in str(error)
        return None
    return other


def zip_structure(path: Path) -> list[int]:
    """Offsets of all bytes that are neither compressed data nor a stored file."""
    with zipfile.ZipFile(path) as archive:
        starts = [(info.header_offset, 30 + len(info.filename)) for info in archive.infolist()]
        directory = range(archive.start_dir, path.stat().st_size)
    return [at for start, length in starts for at in range(start, start + length)] + list(directory)


def flip(content: bytes, at: int, mask: int) -> bytes:
    return content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]


def test_any_flipped_byte_is_an_error_or_harmless(tmp_path: Path) -> None:
    """Every byte of the archive's structure, and a thousand of its contents."""
    path, honest, generator = tmp_path / "model.skops", MfccLogreg(VOCABULARY), np.random.default_rng(0)
    honest.fit(TRAIN)
    honest.save(path)
    content, structure, probe = path.read_bytes(), zip_structure(path), TEST[:2]
    truth = scores(honest, probe)
    elsewhere = generator.choice(sorted(set(range(len(content))) - set(structure)), 1_000, replace=False)
    for at in (*structure, *elsewhere.tolist()):
        path.write_bytes(flip(content, at, 0xFF if at % 2 else 1 << int(generator.integers(8))))
        other = survives(MfccLogreg, path)
        assert other is None or scores(other, probe) == truth, at


def test_a_flipped_byte_is_an_error_or_harmless(fitted: Mfcc, saved: Path) -> None:
    content, generator = saved.read_bytes(), np.random.default_rng(0)
    for at in generator.integers(0, len(content), 20):
        saved.write_bytes(flip(content, at, 0xFF))
        other = survives(type(fitted), saved)
        assert other is None or scores(other) == scores(fitted)


@pytest.mark.parametrize(
    ("offset", "value"), [(6, 235), (8, 1), (8, 32), (10, 99)], ids=["version", "encrypted", "patched", "method"]
)
def test_a_header_that_zipfile_cannot_read_is_an_error(tmp_path: Path, offset: int, value: int) -> None:
    """``offset`` counts from the start of the central directory's entry."""
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(HEADER, "{}")
    content = bytearray(path.read_bytes())
    content[archive.start_dir + offset] = value
    content[offset - 2] = value
    path.write_bytes(content)
    with pytest.raises(BackendError, match="not a digitbench model file"):
        read_header(path)


def test_a_header_that_would_fill_the_memory_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(HEADER, " " * 2_000_000 + "{}")
    with pytest.raises(BackendError, match="2000002 bytes"):
        read_header(path)


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

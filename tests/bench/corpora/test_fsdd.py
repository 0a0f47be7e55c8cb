from __future__ import annotations

import shutil
import socket
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from bench.audio import write
from bench.corpora.fsdd import (
    ARCHIVE,
    COMMIT,
    Manifest,
    NoDataError,
    Remote,
    open_fsdd,
    places,
    read_manifest,
    write_manifest,
)
from bench.errors import BenchError
from tests.bench.corpora.conftest import NAMES
from tests.conftest import tone


@pytest.fixture
def copy(recordings: Path, tmp_path: Path) -> Path:
    """A copy to spoil: the folder that holds fsdd/recordings."""
    shutil.copytree(recordings, tmp_path / "copy" / "fsdd" / "recordings")
    return tmp_path / "copy"


@pytest.fixture
def nowhere() -> Iterator[str]:
    """A URL that refuses connections."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


def test_the_real_corpus_is_whole(data: Path, cache: Path) -> None:
    corpus = open_fsdd(data, {}, cache)
    clips = corpus.clips
    assert (len(clips), corpus.rejected, corpus.notice) == (3000, (), "")
    assert clips["official"].value_counts().to_dict() == {"train": 2700, "test": 300}
    assert clips["speaker"].value_counts().to_dict() == dict.fromkeys(
        ("george", "jackson", "lucas", "nicolas", "theo", "yweweler"), 500
    )
    assert (clips["label"].value_counts() == 300).all() and clips["label"].nunique() == 10
    assert clips["sha256"].is_unique and clips["clip"].is_monotonic_increasing
    assert (clips["samples"] / clips["sample_rate"]).sum() == pytest.approx(1312, abs=1)


def test_the_committed_manifest_is_of_the_real_recordings(data: Path, tmp_path: Path) -> None:
    write_manifest(data / "fsdd" / "recordings", tmp_path / "manifest.csv")
    assert read_manifest(tmp_path / "manifest.csv") == read_manifest()


def test_the_committed_manifest_lists_3000_different_clips() -> None:
    manifest = read_manifest()
    assert len(manifest) == len({known.sha256 for known in manifest.values()}) == 3000
    assert len(COMMIT) == 40 and COMMIT in ARCHIVE


@pytest.mark.parametrize("layout", ["fsdd/recordings", "recordings", "."])
def test_every_layout_is_found(copy: Path, layout: str, manifest: Manifest, cache: Path) -> None:
    root = {"fsdd/recordings": copy, "recordings": copy / "fsdd", ".": copy / "fsdd" / "recordings"}[layout]
    clips = open_fsdd(root, {}, cache, manifest).clips.set_index("clip")
    assert sorted(clips.index) == sorted(NAMES)
    assert [clips.at["7_theo_5", column] for column in ("label", "speaker", "official")] == ["7", "theo", "train"]
    assert clips.at["0_george_4", "official"] == "test"


def test_first_hit_wins(copy: Path, recordings: Path, manifest: Manifest, cache: Path) -> None:
    shutil.copytree(recordings, cache / "fsdd" / "recordings")
    environ = {"DIGITBENCH_DATA": str(copy)}
    assert open_fsdd(copy / "fsdd", environ, cache, manifest).root == copy / "fsdd" / "recordings"
    assert open_fsdd(None, environ, cache, manifest).source == "FSDD, DIGITBENCH_DATA"
    assert open_fsdd(None, {"HF_HUB_OFFLINE": "1"}, cache, manifest).root == cache / "fsdd" / "recordings"
    assert [place.name for place in places(None, environ, cache) if place.folder] == ["DIGITBENCH_DATA", "user cache"]


def test_changed_unknown_and_broken_clips_are_rejected(copy: Path, manifest: Manifest, cache: Path) -> None:
    folder = copy / "fsdd" / "recordings"
    write(folder / "0_george_0.wav", tone(999), 8_000)
    write(folder / "0_stranger_0.wav", tone(999), 8_000)
    (folder / "7_theo_5.wav").write_bytes((folder / "7_theo_5.wav").read_bytes()[:-10])
    corpus = open_fsdd(copy, {}, cache, manifest)
    assert {row.path: row.reason for row in corpus.rejected} == {
        "0_george_0.wav": "samples differ from the manifest",
        "0_stranger_0.wav": "not in the manifest",
        "7_theo_5.wav": "truncated, 10 bytes of its samples are missing",
    }
    assert sorted(corpus.clips["clip"]) == sorted(set(NAMES) - {"0_george_0", "7_theo_5"})
    assert corpus.clips.index.tolist() == list(range(14)) and corpus.notice == ""


def test_missing_clips_are_counted(copy: Path, manifest: Manifest, cache: Path) -> None:
    for name in NAMES[:3]:
        (copy / "fsdd" / "recordings" / f"{name}.wav").unlink()
    assert "3 of its 16 clips are missing" in open_fsdd(copy, {}, cache, manifest).notice


@pytest.mark.parametrize("content", ["nothing", "strangers", "all changed"])
def test_a_given_folder_without_usable_clips_is_an_error(
    tmp_path: Path, manifest: Manifest, cache: Path, content: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    if content != "nothing":
        write(folder / ("1_nobody_0.wav" if content == "strangers" else "0_theo_0.wav"), tone(999), 8_000)
    with pytest.raises(BenchError, match=str(folder)):
        open_fsdd(folder, {}, cache, manifest)


def archived(recordings: Path, path: Path) -> bytes:
    with tarfile.open(path, "w:gz") as tar:
        tar.add(recordings, f"free-spoken-digit-dataset-{COMMIT}/recordings")
        tar.add(__file__, f"free-spoken-digit-dataset-{COMMIT}/metadata.py")
    return path.read_bytes()


def serve(server: HTTPServer, archive: bytes) -> Remote:
    server.expect_request("/fsdd.tar.gz").respond_with_data(archive)
    return Remote(hub=server.url_for("/no-hub"), archive=server.url_for("/fsdd.tar.gz"), seconds=5)


def test_the_archive_is_downloaded_once_and_used(
    httpserver: HTTPServer, recordings: Path, manifest: Manifest, tmp_path: Path, cache: Path, nowhere: str
) -> None:
    remote = serve(httpserver, archived(recordings, tmp_path / "a.tar.gz"))
    corpus = open_fsdd(None, {}, cache, manifest, remote)
    assert (len(corpus.clips), corpus.rejected, corpus.notice) == (16, (), "")
    again = open_fsdd(None, {}, cache, manifest, Remote(nowhere, nowhere))
    assert again.clips.equals(corpus.clips)
    assert {path.name for path in cache.iterdir()} == {"fsdd", "fsdd.lock"}


def test_two_downloads_at_once_are_one(
    httpserver: HTTPServer, recordings: Path, manifest: Manifest, tmp_path: Path, cache: Path
) -> None:
    remote = serve(httpserver, archived(recordings, tmp_path / "a.tar.gz"))
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: open_fsdd(None, {}, cache, manifest, remote), range(2)))
    assert both[0].clips.equals(both[1].clips)
    assert sum(request.path == "/fsdd.tar.gz" for request, _ in httpserver.log) == 1


@pytest.mark.parametrize("fault", ["cut", "clip missing", "clip changed", "not an archive"])
def test_a_bad_archive_is_never_half_used(
    httpserver: HTTPServer, copy: Path, manifest: Manifest, tmp_path: Path, cache: Path, fault: str
) -> None:
    folder = copy / "fsdd" / "recordings"
    if fault == "clip missing":
        (folder / "0_theo_0.wav").unlink()
    if fault == "clip changed":
        write(folder / "0_theo_0.wav", tone(999), 8_000)
    archive = archived(folder, tmp_path / "a.tar.gz")
    archive = {"cut": archive[: len(archive) // 2], "not an archive": b"<html>"}.get(fault, archive)
    with pytest.raises(NoDataError, match=r"broken archive|only 15 of the 16 clips") as error:
        open_fsdd(None, {}, cache, manifest, serve(httpserver, archive))
    assert "git clone" in str(error.value) and "synthetic" in str(error.value)
    assert [path.name for path in cache.iterdir()] == ["fsdd.lock"]


def test_no_network_lists_the_ways(manifest: Manifest, cache: Path, nowhere: str, tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match="git clone") as error:
        open_fsdd(None, {"DIGITBENCH_DATA": str(tmp_path)}, cache, manifest, Remote(nowhere, nowhere))
    assert str(error.value).count("refused") == 2
    assert f"DIGITBENCH_DATA is {tmp_path}: no FSDD there" in str(error.value)


def test_offline_downloads_nothing(httpserver: HTTPServer, manifest: Manifest, cache: Path) -> None:
    with pytest.raises(NoDataError, match="HF_HUB_OFFLINE is set"):
        open_fsdd(None, {"HF_HUB_OFFLINE": "1"}, cache, manifest, serve(httpserver, b""))
    assert not httpserver.log and not cache.exists()


def test_a_cache_that_cannot_be_made_is_said(manifest: Manifest, tmp_path: Path, nowhere: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NoDataError, match="cannot be written"):
        open_fsdd(None, {}, tmp_path / "file" / "cache", manifest, Remote(nowhere, nowhere))

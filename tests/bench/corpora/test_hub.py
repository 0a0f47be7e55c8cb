from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pytest_httpserver import HTTPServer

from bench.audio import fingerprint, read, write
from bench.corpora import hub
from bench.corpora.fsdd import TEST_TAKES, Manifest, NoDataError, Remote, open_fsdd
from bench.errors import BenchError
from tests.conftest import tone

AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def put(path: Path, recordings: Sequence[Path], labels: Sequence[int] | None = None) -> None:
    """One parquet file as the hub has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    audio = [{"bytes": recording.read_bytes(), "path": "audio.wav"} for recording in recordings]
    labels = labels or [int(recording.name[0]) for recording in recordings]
    pq.write_table(pa.table({"audio": pa.array(audio, AUDIO), "label": labels}), path)


def put_copy(folder: Path, recordings: Path) -> Path:
    """The whole copy: train and test, no speakers."""
    paths = sorted(recordings.glob("*.wav"))
    tests = [path for path in paths if int(path.stem.split("_")[2]) in TEST_TAKES]
    put(folder / "data" / "train-00000-of-00001.parquet", [path for path in paths if path not in tests])
    put(folder / "data" / "test-00000-of-00001.parquet", tests)
    return folder


@pytest.fixture
def copy(tmp_path: Path, recordings: Path) -> Path:
    return put_copy(tmp_path / "copy", recordings)


def test_rows_have_the_very_samples(copy: Path, recordings: Path) -> None:
    expected = sorted(fingerprint(*read(path)) for path in recordings.glob("*.wav"))
    assert sorted(fingerprint(row.audio, row.rate) for row in hub.rows(copy)) == expected


def test_speakers_are_given_back(copy: Path, recordings: Path, manifest: Manifest, cache: Path) -> None:
    from_hub = open_fsdd(copy, {}, cache, manifest)
    assert from_hub.clips.equals(open_fsdd(recordings, {}, cache, manifest).clips)
    assert "hub copy" in from_hub.source and not from_hub.rejected


def test_the_whole_real_copy(data: Path, tmp_path: Path, cache: Path) -> None:
    copy = put_copy(tmp_path / "copy", data / "fsdd" / "recordings")
    counts = {split: sum(pq.read_metadata(path).num_rows for path in paths) for split, paths in hub.files(copy).items()}
    assert counts == {"train": 2700, "test": 300}
    corpus = open_fsdd(copy, {}, cache)
    assert corpus.clips.equals(open_fsdd(data, {}, cache).clips) and not corpus.rejected


def test_rows_that_are_not_fsdd_are_rejected_every_time(
    tmp_path: Path, recordings: Path, manifest: Manifest, cache: Path
) -> None:
    write(tmp_path / "other.wav", tone(999), 8_000)
    first, second, third = sorted(recordings.glob("*.wav"))[:3]
    put(tmp_path / "copy" / "train.parquet", [first, tmp_path / "other.wav", second, first, third], [0, 0, 9, 0, 0])
    for _ in range(2):
        corpus = open_fsdd(tmp_path / "copy", {}, cache, manifest)
        assert corpus.clips["clip"].tolist() == [first.stem, third.stem]
        assert [row.path for row in corpus.rejected] == ["train row 1", "train row 2", "train row 3"]
        assert "14 of its 16 clips are missing" in corpus.notice


def test_a_changed_copy_is_read_anew(tmp_path: Path, recordings: Path, manifest: Manifest, cache: Path) -> None:
    paths = sorted(recordings.glob("*.wav"))
    for count in (2, 5):
        put(tmp_path / "copy" / "train.parquet", paths[:count])
        assert len(open_fsdd(tmp_path / "copy", {}, cache, manifest).clips) == count


@pytest.mark.parametrize("fault", ["columns", "not parquet", "not audio"])
def test_a_bad_copy_is_an_error_and_leaves_nothing(tmp_path: Path, manifest: Manifest, cache: Path, fault: str) -> None:
    path = tmp_path / "train.parquet"
    if fault == "columns":
        pq.write_table(pa.table({"wave": [b""], "digit": [1]}), path)
    elif fault == "not parquet":
        path.write_text("no parquet")
    else:
        (tmp_path / "0.wav").write_text("no audio")
        put(path, [tmp_path / "0.wav"])
    with pytest.raises(BenchError, match=str(tmp_path)):
        open_fsdd(tmp_path, {}, cache, manifest)
    assert all(left.suffix == ".lock" for left in cache.iterdir())


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """As if the packages were not installed."""
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        monkeypatch.delitem(sys.modules, name)
    for name in packages:
        monkeypatch.setitem(sys.modules, name, None)


def described(copy: Path) -> list[tuple[str, str, str]]:
    return [(row.where, row.label, fingerprint(row.audio, row.rate)) for row in hub.rows(copy)]


def test_rows_are_the_same_with_and_without_datasets(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("datasets", exc_type=ImportError)
    by_datasets = described(copy)
    without(monkeypatch, "datasets", "torchcodec")
    assert described(copy) == by_datasets and len(by_datasets) == 16


def test_ffmpeg_that_cannot_be_loaded_is_done_without(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Loader:
        def find_spec(self, name: str, *_: object) -> None:
            if name.startswith("torchcodec"):
                raise RuntimeError("Could not load libtorchcodec")

    without(monkeypatch, "datasets")
    for name in [name for name in sys.modules if name.startswith("torchcodec")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Loader(), *sys.meta_path])
    assert len(described(copy)) == 16


def test_torchcodec_and_libsndfile_give_the_same_samples(recordings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        import torchcodec.decoders  # noqa: F401
    except (ImportError, OSError, RuntimeError):
        pytest.skip("needs torchcodec and FFmpeg's libraries: apt-get install ffmpeg")
    by_torchcodec = hub.decoder()
    without(monkeypatch, "torchcodec")
    by_libsndfile = hub.decoder()
    for path in recordings.glob("*.wav"):
        sound = path.read_bytes()
        assert fingerprint(*by_torchcodec(sound)) == fingerprint(*by_libsndfile(sound)) == fingerprint(*read(path))


def serve(server: HTTPServer, copy: Path, fault: str = "") -> Remote:
    listing: list[dict[str, object]] = [{"type": "file", "path": "README.md", "size": 3}]
    for path in sorted(copy.glob("data/*.parquet")):
        content, name = path.read_bytes(), f"data/{path.name}"
        listing.append(
            {
                "type": "file",
                "path": name,
                "size": len(content) + (fault == "wrong size"),
                "lfs": {"oid": hashlib.sha256(content).hexdigest(), "size": len(content)},
            }
        )
        sent = b"x" + content[1:] if fault == "corrupted" else content
        server.expect_request(f"/datasets/{hub.REPOSITORY}/resolve/main/{name}").respond_with_data(sent)
    server.expect_request(f"/api/datasets/{hub.REPOSITORY}/tree/main").respond_with_json(listing)
    return Remote(hub=server.url_for("").rstrip("/"), archive=server.url_for("/no-archive"), seconds=5)


def test_the_hub_copy_is_downloaded(
    httpserver: HTTPServer, copy: Path, recordings: Path, manifest: Manifest, cache: Path
) -> None:
    corpus = open_fsdd(None, {}, cache, manifest, serve(httpserver, copy))
    assert corpus.clips.equals(open_fsdd(recordings, {}, cache, manifest).clips)
    assert {path.name for path in cache.iterdir()} == {"fsdd", "fsdd.lock"}


@pytest.mark.parametrize(("fault", "message"), [("corrupted", "corrupted"), ("wrong size", "it should have")])
def test_a_bad_download_is_never_half_used(
    httpserver: HTTPServer, copy: Path, manifest: Manifest, cache: Path, fault: str, message: str
) -> None:
    with pytest.raises(NoDataError, match=message):
        open_fsdd(None, {}, cache, manifest, serve(httpserver, copy, fault))
    assert [path.name for path in cache.iterdir()] == ["fsdd.lock"]


@pytest.mark.parametrize("answer", [[], {}, ["a"], [{"type": "file"}], {"error": "gone"}])
def test_an_answer_that_is_no_listing_is_said(httpserver: HTTPServer, tmp_path: Path, answer: object) -> None:
    httpserver.expect_request(f"/api/datasets/{hub.REPOSITORY}/tree/main").respond_with_json(answer)
    with pytest.raises(BenchError, match=r"not a list of files|lists no parquet"):
        hub.download(tmp_path, httpserver.url_for("").rstrip("/"))


@pytest.fixture
def hub_cache(tmp_path: Path, recordings: Path) -> Iterator[Path]:
    snapshots = tmp_path / "hf" / "hub" / f"datasets--{hub.REPOSITORY.replace('/', '--')}" / "snapshots"
    yield put_copy(snapshots / "0123abc", recordings)


def test_the_hugging_face_cache_is_found(hub_cache: Path, tmp_path: Path, manifest: Manifest, cache: Path) -> None:
    for environ in ({"HF_HOME": str(tmp_path / "hf")}, {"HF_HUB_CACHE": str(tmp_path / "hf" / "hub")}):
        assert hub.cached(environ) == hub_cache
    assert len(open_fsdd(None, {"HF_HOME": str(tmp_path / "hf")}, cache, manifest).clips) == 16
    assert hub.cached({"HF_HOME": str(tmp_path)}) is None

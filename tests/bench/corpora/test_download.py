from __future__ import annotations

import hashlib
import io
import socket
import tarfile
from pathlib import Path, PurePosixPath

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from bench.corpora.download import DownloadError, fetch, fetch_json, unpack

BODY = bytes(range(256)) * 1000


def nothing_is_left(folder: Path) -> bool:
    return not list(folder.iterdir())


def test_a_whole_file_arrives(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/file").respond_with_data(BODY)
    fetch(httpserver.url_for("/file"), tmp_path / "file", len(BODY), hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "file").read_bytes() == BODY
    assert len(list(tmp_path.iterdir())) == 1


def test_redirects_are_followed(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/old").respond_with_data(status=302, headers={"Location": httpserver.url_for("/new")})
    httpserver.expect_request("/new").respond_with_data(BODY)
    fetch(httpserver.url_for("/old"), tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == BODY


def test_interrupted_is_noticed(httpserver: HTTPServer, tmp_path: Path) -> None:
    headers = {"Content-Length": str(len(BODY))}
    httpserver.expect_request("/file").respond_with_handler(lambda _: Response(iter([BODY[:1000]]), headers=headers))
    with pytest.raises(DownloadError, match=rf"1000 .* {len(BODY)}|interrupted"):
        fetch(httpserver.url_for("/file"), tmp_path / "file")
    assert nothing_is_left(tmp_path)


def test_wrong_size_is_noticed(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/file").respond_with_data(BODY)
    with pytest.raises(DownloadError, match=f"got {len(BODY)} bytes where it should have {len(BODY) + 1}"):
        fetch(httpserver.url_for("/file"), tmp_path / "file", size=len(BODY) + 1)
    assert nothing_is_left(tmp_path)


def test_corrupted_is_noticed(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/file").respond_with_data(b"x" + BODY[1:])
    with pytest.raises(DownloadError, match="corrupted"):
        fetch(httpserver.url_for("/file"), tmp_path / "file", len(BODY), hashlib.sha256(BODY).hexdigest())
    assert nothing_is_left(tmp_path)


def test_a_failed_download_keeps_the_file_that_was_there(httpserver: HTTPServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("good")
    httpserver.expect_request("/file").respond_with_data(BODY)
    with pytest.raises(DownloadError):
        fetch(httpserver.url_for("/file"), tmp_path / "file", size=1)
    assert (tmp_path / "file").read_text() == "good"


def test_not_found_is_said(httpserver: HTTPServer, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match=r"/gone: HTTP Error (404|500)"):
        fetch(httpserver.url_for("/gone"), tmp_path / "file")


def test_no_network_is_said(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        with pytest.raises(DownloadError, match="refused"):
            fetch(f"http://127.0.0.1:{unused.getsockname()[1]}/file", tmp_path / "file")


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(DownloadError, match=r"no answer within 0\.2 s|timed out"):
            fetch(f"http://127.0.0.1:{silent.getsockname()[1]}/file", tmp_path / "file", seconds=0.2)


def test_a_name_that_cannot_be_looked_up_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release: list[bool] = []

    def hang(*_: object, **__: object) -> None:
        while not release:
            pass

    monkeypatch.setattr("bench.corpora.download.urlopen", hang)
    with pytest.raises(DownloadError, match=r"no answer within 0\.1 s"):
        fetch("http://digits.invalid/file", tmp_path / "file", seconds=0.1)
    release.append(True)


def test_what_is_not_json_is_said(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/list").respond_with_data("<html>log in first</html>")
    with pytest.raises(DownloadError, match="not JSON"):
        fetch_json(httpserver.url_for("/list"))


def packed(path: Path, **files: bytes) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def wav(path: PurePosixPath) -> bool:
    return path.suffix == ".wav"


def test_unpacking_cannot_leave_the_folder(tmp_path: Path) -> None:
    archive = packed(tmp_path / "a.tar.gz", **{"x/a.wav": b"1", "../../b.wav": b"2", "/c.wav": b"3", "x/d.txt": b"4"})
    folder = tmp_path / "in" / "side"
    folder.mkdir(parents=True)
    unpack(archive, folder, wav)
    assert {path.name for path in folder.iterdir()} == {"a.wav", "b.wav", "c.wav"}
    assert {path.name for path in tmp_path.rglob("*.wav")} == {"a.wav", "b.wav", "c.wav"}
    assert len(list(tmp_path.rglob("*.wav"))) == 3


@pytest.mark.parametrize("damage", ["cut", "garbage", "flipped"])
def test_a_broken_archive_is_noticed(tmp_path: Path, damage: str) -> None:
    archive = packed(tmp_path / "a.tar.gz", **{"x/a.wav": BODY})
    raw = bytearray(archive.read_bytes())
    if damage == "flipped":
        raw[len(raw) // 2] ^= 0xFF
    archive.write_bytes({"cut": bytes(raw[: len(raw) // 2]), "garbage": b"<html>", "flipped": bytes(raw)}[damage])
    with pytest.raises(DownloadError, match="broken archive"):
        unpack(archive, tmp_path, wav)

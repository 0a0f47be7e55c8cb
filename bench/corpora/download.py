"""Fetch files over HTTP so that a broken download is noticed and never used."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import os
import queue
import tarfile
import threading
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from bench.errors import BenchError

SECONDS = 6.0
"""How long a server may take to answer, or to send the next bytes."""
_BLOCK = 1 << 16

FileFilter = Callable[[PurePosixPath], bool]


class DownloadError(BenchError):
    """Something could not be fetched, or what arrived is not what was asked for."""


def fetch(url: str, target: Path, size: int | None = None, sha256: str | None = None, seconds: float = SECONDS) -> None:
    """Download ``url`` to the file ``target``, which appears only once it is whole.

    Raises DownloadError when there is no answer within ``seconds``, the status is an error, fewer or more bytes arrive
    than the server or ``size`` promise, or their sha256 is another.
    """
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    digest, received = hashlib.sha256(), 0
    try:
        with _open(url, seconds) as response, part.open("wb") as file:
            promised = response.headers.get("Content-Length")
            while block := _read(url, response):
                file.write(block)
                digest.update(block)
                received += len(block)
        for expected, who in ((promised and int(promised), "the server promised"), (size, "it should have")):
            if expected is not None and received != expected:
                raise DownloadError(f"{url}: got {received} bytes where {who} {expected}")
        if sha256 and digest.hexdigest() != sha256:
            raise DownloadError(f"{url}: corrupted, its sha256 is {digest.hexdigest()} and should be {sha256}")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def fetch_json(url: str, seconds: float = SECONDS) -> Any:
    """Download and parse a small JSON document. Raises DownloadError."""
    with _open(url, seconds) as response:
        try:
            return json.loads(_read(url, response, -1))
        except ValueError:
            raise DownloadError(f"{url}: the answer is not JSON") from None


def unpack(archive: Path, folder: Path, wanted: FileFilter) -> None:
    """Put the wanted regular files of a .tar.gz flat into ``folder``. Raises DownloadError if the archive is broken."""
    try:
        with gzip.open(archive) as content, tarfile.open(fileobj=content) as tar:
            for member in tar:
                path = PurePosixPath(member.name)
                if member.isfile() and wanted(path):
                    file = tar.extractfile(member)
                    assert file is not None, "a regular file has content"
                    (folder / path.name).write_bytes(file.read())
            while content.read(_BLOCK):  # tarfile stops at its end mark, before gzip's checksum
                pass
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise DownloadError(f"{archive.name}: a broken archive ({error})") from None


def _open(url: str, seconds: float) -> http.client.HTTPResponse:
    """``urlopen`` with a deadline on everything up to the headers: its own leaves out the look-up of the name."""
    answer: queue.SimpleQueue[http.client.HTTPResponse | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answer.put(urlopen(Request(url, headers={"User-Agent": "digitbench"}), timeout=seconds))
        except Exception as error:
            answer.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        response = answer.get(timeout=seconds)
    except queue.Empty:
        raise DownloadError(f"{url}: no answer within {seconds:g} s") from None
    if isinstance(response, Exception):
        why = response if isinstance(response, HTTPError) else getattr(response, "reason", response)
        raise DownloadError(f"{url}: {why}") from None
    return response


def _read(url: str, response: http.client.HTTPResponse, size: int = _BLOCK) -> bytes:
    try:
        return response.read(size if size >= 0 else None)
    except (OSError, http.client.HTTPException) as error:
        raise DownloadError(f"{url}: interrupted ({error or type(error).__name__})") from None

"""Where sound comes from: a path, bytes, or an open file, read by position."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from audiodecode.limits import UnreadableError

HEAD = 8_192
"""Bytes read first: they tell a format, two frames of any MP3 being no longer, and hold most headers of a WAV."""
SMALL = 1 << 20
"""Files of so many bytes are read at once."""

_IRREGULAR = (
    (stat.S_ISDIR, "a directory"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"), (stat.S_ISBLK, "a device"),
)  # fmt: skip
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

Readable = str | os.PathLike[str] | int | bytes | bytearray | memoryview | BinaryIO
"""A path, a file descriptor (which is closed), the bytes of a file, or an open file (which is read from its begin)."""


class Source:
    """The bytes of a file: ``size`` of them, the first of which are in ``head``. It is a context, and closes itself."""

    __slots__ = ("_fd", "_file", "head", "size")

    def __init__(self, path: Readable, whole: bool = True) -> None:
        """``whole`` reads a small file at once. Raises OSError, UnreadableError for what is no regular file."""
        self._fd, self._file, self.head = -1, None, b""
        if isinstance(path, (bytes, bytearray, memoryview)):
            self.head = bytes(path)
            self.size = len(self.head)
        elif isinstance(path, (str, os.PathLike, int)):
            self._fd, self.size = (path, os.fstat(path).st_size) if isinstance(path, int) else open_regular(path)
            self.head = self._pread(0, self.size if whole and self.size <= SMALL else HEAD)
        elif hasattr(path, "read") and hasattr(path, "seek"):
            self._file = path
            self.size = path.seek(0, os.SEEK_END)
            self.head = self.at(0, self.size if whole and self.size <= SMALL else HEAD)
        else:
            raise TypeError(f"a path, bytes or a file that is open to read are wanted, not {type(path).__name__}")

    def at(self, start: int, size: int) -> bytes:
        """So many bytes from there, or as many as there are."""
        if start + size <= len(self.head) or len(self.head) == self.size:
            return self.head[start : start + size]
        if self._fd >= 0:
            return self._pread(start, size)
        self.file.seek(start)
        return self.file.read(size)

    def into(self, start: int, out: NDArray[Any]) -> int:
        """Fill an array with the bytes from there; how many there were."""
        if not out.size:
            return 0
        view, got = out.reshape(-1).view(np.uint8).data, 0
        if len(self.head) == self.size:
            part = self.head[start : start + len(view)]
            view[: len(part)] = part
            return len(part)
        self.file.seek(start)
        read: Any = getattr(self.file, "readinto", None) or self._readinto
        while got < len(view) and (count := read(view[got:])):
            got += count
        return got

    def _readinto(self, view: memoryview) -> int:
        data = self.file.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _pread(self, start: int, size: int) -> bytes:
        os.lseek(self._fd, start, os.SEEK_SET)
        data = os.read(self._fd, size)
        while 0 < len(data) < size and (more := os.read(self._fd, size - len(data))):
            data += more
        return data

    @property
    def file(self) -> BinaryIO:
        """As a file, at no position in particular."""
        if self._file is None:
            self._file = io.BytesIO(self.head) if self._fd < 0 else io.FileIO(self._fd, closefd=False)
        return self._file

    @property
    def handle(self) -> BinaryIO | int:
        """What libsndfile opens fastest: a descriptor at its begin, or the file."""
        if self._fd < 0:
            self.file.seek(0)
            return self.file
        os.lseek(self._fd, 0, os.SEEK_SET)
        return self._fd

    def __enter__(self) -> Source:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def open_regular(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Open a file to read it: its descriptor, and its size.

    Raises OSError, or UnreadableError for a pipe, device, socket or folder, without waiting on it.
    """
    try:
        handle = os.open(path, _FLAGS)
    except OSError as error:
        if error.errno in (errno.ENXIO, errno.EOPNOTSUPP):
            raise _irregular(Path(path).stat().st_mode) from None
        raise
    status = os.fstat(handle)
    if stat.S_ISREG(status.st_mode):
        return handle, status.st_size
    os.close(handle)
    raise _irregular(status.st_mode)


def _irregular(mode: int) -> UnreadableError:
    kind = next((name for is_kind, name in _IRREGULAR if is_kind(mode)), "a special file")
    return UnreadableError(f"{kind}, not an audio file")


def named(path: Readable, error: Exception) -> UnreadableError:
    """The error with the file's name before it, where it has one."""
    why = "cannot be read, memory does not suffice" if isinstance(error, MemoryError) else error
    name = path if isinstance(path, os.PathLike) else getattr(path, "name", path)
    return UnreadableError(f"{os.fspath(name)}: {why}" if isinstance(name, (str, os.PathLike)) else str(why))

"""How a file is handed to a decoder: as it is, or with another head."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO

from audiodecode.limits import UnreadableError


@dataclass(frozen=True, slots=True)
class Layout:
    """How to hand a file to a decoder: ``head``, then the file's bytes from ``start`` on, as far as ``end``."""

    start: int = 0
    head: bytes = b""
    samples: int | None = None
    """How many samples of each channel the decoder must bring, where a count of its own cannot be trusted."""
    slack: int = 0
    """How many fewer it may bring."""
    timed: bool = False
    """Whether the file states how long it is, which else is guessed from its size."""
    end: int | None = None
    """Where the file's samples end, for a decoder that would take what follows for more of them."""


class Spliced(io.RawIOBase):
    """A file that reads as ``head`` followed by the bytes of ``file`` from ``start`` to ``end``."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._file, self._layout = file, layout
        self._end = len(layout.head) + (file.seek(0, 2) if layout.end is None else layout.end) - layout.start
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = max(0, offset + (0, self._at, self._end)[whence])
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        head = self._layout.head[self._at :] if self._at < len(self._layout.head) else b""
        data = head[: len(buffer)]
        if not data:
            self._file.seek(self._at - len(self._layout.head) + self._layout.start)
            data = self._file.read(max(0, min(len(buffer), self._end - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def cut(missing: int) -> UnreadableError:
    """The error for a file that lacks so many bytes."""
    return UnreadableError(f"truncated, {missing} bytes of its samples are missing")


def several() -> UnreadableError:
    """The error for a file that is several, put together."""
    return UnreadableError("several recordings one after another in one file; split it into files")


def bytes_at(file: BinaryIO, start: int, size: int) -> bytes:
    """So many bytes from there, or as many as there are."""
    file.seek(start)
    return file.read(size)

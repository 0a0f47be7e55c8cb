"""Files from strangers, read under bounds: nothing is unpacked whose size was not checked, and only so much of it.

A zip's directory may lie: it is read only where it ends the file and is small, and of a member no more is unpacked
than it promises.
"""

from __future__ import annotations

import json
import math
import os
import stat
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from backends.base import BackendError

MEMBERS = 20_000
"""Of one archive; a forest of a hundred trees has about 500."""
UNPACKED = 4_000_000_000
"""Bytes of all members together."""
SPARE, RATIO = 100_000_000, 50
"""All members together may have ``SPARE`` bytes and ``RATIO`` times the file's: forests shrink to a twentieth."""

_BLOCK = 1 << 20
_END = 22
"""Bytes of the record that ends a zip without a comment."""
_ENTRY = 128
"""Bytes of the directory for a member, on average, at most."""
_ENCRYPTED = 0x1
_ZIP64 = 45
"""The version of the format from which on sizes of more than 4 GB are possible."""


@contextmanager
def regular(path: Path) -> Iterator[BinaryIO]:
    """The file, open for reading. Raises BackendError for what is no regular file (a pipe, a device), or unreadable."""
    try:
        # a pipe would wait for whoever writes, a device never end
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise BackendError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        kind = "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"
        raise BackendError(f"{path}: {kind}, not a model file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def size(file: BinaryIO) -> int:
    """Bytes in all."""
    return os.fstat(file.fileno()).st_size


class Archive:
    """A zip of files that are stored or deflated. All methods raise ValueError, or whatever zipfile and zlib raise."""

    def __init__(self, file: BinaryIO) -> None:
        """Reads the directory."""
        length = size(file)
        _check_end(file, length)
        self._zip = zipfile.ZipFile(file)
        self._length = length
        self.names = tuple(self._zip.namelist())
        """Of the members, in the order of the directory."""

    @property
    def most(self) -> int:
        """Bytes that may be unpacked."""
        return min(UNPACKED, SPARE + RATIO * self._length)

    @cached_property
    def _members(self) -> Mapping[str, zipfile.ZipInfo]:
        """All of them, every declared size checked before a byte is unpacked."""
        members = self._zip.infolist()
        named = {member.filename: member for member in members}
        if len(named) < len(members):
            raise ValueError("two members of one name")
        for member in members:
            _check_member(member)
        unpacked = sum(member.file_size for member in members)
        if unpacked > self.most:
            raise ValueError(f"{self._length:,} bytes that unpack to {unpacked:,}, more than {self.most:,}")
        return named

    def size(self, name: str) -> int:
        """Bytes that a member promises. Raises ValueError if there is none such."""
        return self._member(name).file_size

    def read(self, name: str, most: int) -> bytes:
        """A member of at most so many bytes."""
        member = self._member(name)
        if member.file_size > most:
            raise ValueError(f"{name} of {member.file_size} bytes, more than {most}")
        with self._zip.open(member) as stream:
            return _read(stream, member)

    def array(self, name: str) -> bytes:
        """A member in NumPy's format without Python objects, whose shape is as large as what follows it."""
        member = self._member(name)
        with self._zip.open(member) as stream:
            _check_array(stream, member)
        return self.read(name, member.file_size)

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise ValueError(f"it has no {name}")
        return self._members[name]


def is_zip(file: BinaryIO) -> bool:
    """Whether it begins as a zip does."""
    file.seek(0)
    begins = file.read(4) == b"PK\3\4"
    file.seek(0)
    return begins


def read_json(content: bytes) -> Any:
    """JSON as the standard has it. Raises ValueError for anything else: NaN, infinity, nesting beyond all need."""
    try:
        return json.loads(content, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _check_end(file: BinaryIO, length: int) -> None:
    """The directory must end the file: what zipfile would else look for can be made to be much larger than it seems."""
    room = min(length, _END + 20)
    file.seek(length - room)
    tail = file.read(room)
    if tail[:4] == b"PK\6\7" and room > _END:
        raise ValueError("a zip64 archive, which no model needs")
    end = tail[-_END:]
    if len(end) < _END or end[:4] != b"PK\5\6" or end[20:] != b"\0\0":
        raise ValueError("not a whole zip file")
    directory, start = int.from_bytes(end[12:16], "little"), int.from_bytes(end[16:20], "little")
    if directory > MEMBERS * _ENTRY:
        raise ValueError(f"more than {MEMBERS:,} members")
    if start + directory + _END != length:
        raise ValueError("a zip file with something else before or after it")
    file.seek(0)


def _check_member(member: zipfile.ZipInfo) -> None:
    name = member.filename
    if name.startswith("/") or ".." in name.split("/") or "\\" in name or member.is_dir():
        raise ValueError(f"a member named {name[:100]!r}")
    if member.flag_bits & _ENCRYPTED:
        raise ValueError(f"{name[:100]!r} is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{name[:100]!r} is packed in another way than deflated")
    if member.extract_version >= _ZIP64:
        raise ValueError(f"{name[:100]!r} is in zip64 format")


def _read(stream: Any, member: zipfile.ZipInfo) -> bytes:
    """All of it by blocks: read at once, zlib would unpack all there is before it is cut to what was promised."""
    content = bytearray()
    while block := stream.read(_BLOCK):
        content += block
        if len(content) > member.file_size:
            raise ValueError(f"{member.filename[:100]!r} is larger than it says")
    if len(content) != member.file_size:
        raise ValueError(f"{member.filename[:100]!r} is smaller than it says")
    return bytes(content)


def _check_array(stream: Any, member: zipfile.ZipInfo) -> None:
    name = repr(member.filename[:100])
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"{name} is of a format that NumPy does not write for such arrays")
    try:
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    except (MemoryError, RecursionError):  # Python's parser, of a header that is nested too deeply
        raise ValueError(f"{name} has an odd header") from None
    remaining = member.file_size - stream.tell()
    if dtype.hasobject or dtype.itemsize < 1:
        raise ValueError(f"{name} holds something else than numbers")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != remaining:
        raise ValueError(f"{name} declares {shape} items of {dtype.itemsize} bytes, and holds {remaining} bytes")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:20]} is too large a number")
    return number

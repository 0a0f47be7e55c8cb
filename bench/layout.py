"""What a file's header promises, held against the bytes that are there: libraries drop what is missing in silence."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Literal

from bench import frames
from bench.limits import Layout, Limits, UnreadableError

Order = Literal["little", "big"]

UNKNOWN = 0x7FFF_0000
"""Writers to a pipe, not knowing the length, put a number near 2 or 4 GiB."""
STALE = 1_024
"""Bytes behind the samples that are no chunk: from so many on, the header was left unfinished."""

_FLAC_FRAME, _FLAC_TRIES = 2**18, 32  # bytes that hold a frame; sync codes there, most of them by chance
_PADDED = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")


def examine(file: BinaryIO, kind: str, start: int, end: int, limits: Limits) -> Layout:
    """The layout of a file of that kind. Raises UnreadableError for one cut short or at odds with it."""
    if walk := _WALKS.get(kind):
        return walk(file, start, end, limits)
    found = _EXAMINERS.get(kind)
    return found(file, start, end) if found else Layout(start)


def _cut(missing: int) -> UnreadableError:
    return UnreadableError(f"truncated, {missing} bytes of its samples are missing")


def _wav(file: BinaryIO, start: int, end: int) -> Layout:
    """RIFF, RIFX, RF64 and BW64."""
    header = _at(file, start, 12)
    order: Order = "big" if header[:4] == b"RIFX" else "little"
    size_at, size_64 = 4, 0
    for name, at, size in _chunks(file, start + 12, end, order):
        if name == b"ds64":
            size_at, size_64 = at + 8, int.from_bytes(_at(file, at + 8, 8), "little")
        if name != b"data":
            _whole(name, at, size, end)
            continue
        wide = header[:4] in (b"RF64", b"BW64") and size == 0xFFFF_FFFF
        size = size_64 if wide else size
        unknown = size >= (2**63 if wide else UNKNOWN)
        if not unknown and at + size > end:
            raise _cut(at + size - end)
        if unknown and not wide:
            return Layout(start)
        rest = _rest(file, at + size if size and not unknown else at, end, order)
        if unknown or (not size and rest):
            head = bytearray(_at(file, start, at - start))
            field = slice(size_at - start, size_at - start + 8) if wide else slice(-4, None)
            head[field] = (end - at).to_bytes(8 if wide else 4, order)
            head[4:8] = b"\xff" * 4 if wide else min(end - start - 8, 0xFFFF_FFFF).to_bytes(4, order)
            return Layout(at, bytes(head))
        if rest >= STALE:
            raise _stale(size, rest)
        break
    return Layout(start)


def _w64(file: BinaryIO, start: int, end: int) -> Layout:
    at = start + 40
    while len(chunk := _at(file, at, 24)) == 24:
        size = int.from_bytes(chunk[16:], "little")
        if chunk[:4] == b"data" and at + size > end:
            raise _cut(at + size - end)
        if chunk[:4] == b"data" or size < 24:
            break
        _whole(chunk[:4], at, size, end)
        at += size + -size % 8
    return Layout(start)


def _aiff(file: BinaryIO, start: int, end: int) -> Layout:
    for name, at, size in _chunks(file, start + 12, end, "big"):
        if name == b"SSND":
            if at + size > end:
                raise _cut(at + size - end)
            rest = _rest(file, at + size, end, "big")
            if rest >= STALE or (size <= 8 and rest):
                raise _stale(max(0, size - 8), rest)
            break
        _whole(name, at, size, end)
    return Layout(start)


def _au(file: BinaryIO, start: int, end: int) -> Layout:
    header = _at(file, start, 12)
    order: Order = "big" if header[:4] == b".snd" else "little"
    at, size = int.from_bytes(header[4:8], order), int.from_bytes(header[8:], order)
    if size < UNKNOWN and start + at + size > end:
        raise _cut(start + at + size - end)
    rest = end - start - at - size
    if size < UNKNOWN and (rest >= STALE or (not size and rest > 0)):
        raise _stale(size, rest)
    return Layout(start)


def _caf(file: BinaryIO, start: int, end: int) -> Layout:
    at = start + 8
    while len(chunk := _at(file, at, 12)) == 12:
        size = int.from_bytes(chunk[4:], "big", signed=True)
        at += 12
        if size == -1:
            break
        if chunk[:4] == b"data" and at + size > end:
            raise _cut(at + size - end)
        if size < 0:
            raise UnreadableError("its header is damaged: a chunk of negative size")
        _whole(chunk[:4], at, size, end)
        at += size
    return Layout(start)


def _nist(file: BinaryIO, start: int, end: int) -> Layout:
    try:
        lines = _at(file, start, 1_024).decode("latin-1").splitlines()
        fields = {parts[0]: parts[-1] for line in lines[2:] if len(parts := line.split()) == 3}
        size = int(fields["sample_count"]) * int(fields.get("channel_count", 1)) * int(fields["sample_n_bytes"])
        promised = start + int(lines[1]) + size
    except (LookupError, ValueError):
        return Layout(start)
    if promised > end and fields.get("sample_coding", "pcm") in ("pcm", "ulaw", "mu-law", "alaw"):
        raise _cut(promised - end)
    return Layout(start)


def _flac(file: BinaryIO, start: int, end: int) -> Layout:
    """Its count of samples is held against what is decoded; where it has none, its last frame must be whole."""
    info = _at(file, start + 8, 34)
    if len(info) == 34 and not int.from_bytes(info[13:18], "big") & 0xF_FFFF_FFFF and not _ends_in_frame(file, end):
        raise UnreadableError("truncated: its last frame is not whole")
    return Layout(start)


def _ends_in_frame(file: BinaryIO, end: int) -> bool:
    """Whether a FLAC frame whose CRC-16 holds ends where the file does."""
    tail = _at(file, max(0, end - _FLAC_FRAME), _FLAC_FRAME)
    if tail[-128:-125] == b"TAG":
        tail = tail[:-128]
    begins = [match.start() for match in re.finditer(rb"\xff[\xf8\xf9]", tail)][:-_FLAC_TRIES:-1]
    return any(_crc16(tail[at:]) == 0 for at in begins)


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
    return crc


def _crc16_table() -> Iterator[int]:
    for byte in range(256):
        crc = byte << 8
        for _ in range(8):
            crc = crc << 1 ^ (0x8005 if crc & 0x8000 else 0)
        yield crc & 0xFFFF


_CRC16 = tuple(_crc16_table())


def _ogg(file: BinaryIO, start: int, end: int) -> Layout:
    """Walk its pages: the last must be whole, and one stream must follow another nowhere."""
    at, sound, begun = start, 0, False
    while at < end:
        header = _at(file, at, 27)
        if header[:4] != b"OggS":
            raise UnreadableError(f"damaged: no page begins at byte {at}")
        segments = _at(file, at + 27, header[26]) if len(header) == 27 else b""
        size = 27 + len(segments) + sum(segments)
        if len(header) < 27 or len(segments) < header[26] or at + size > end:
            raise _cut(max(1, at + size - end))
        first = bool(header[5] & 2)
        if first and begun:
            raise UnreadableError("several recordings one after another in one file; split it into files")
        begun = begun or not first
        sound += first
        at += size
    if sound > 1:
        raise UnreadableError("several streams in one file; keep one: ffmpeg -i FILE -map 0:a:0 OUT.wav")
    return Layout(start)


def _mp4(file: BinaryIO, start: int, end: int) -> Layout:
    names = set()
    at = start
    while at < end:
        header = _at(file, at, 16)
        size = int.from_bytes(header[:4], "big")
        size = int.from_bytes(header[8:], "big") if size == 1 else size or end - at
        if len(header) < 8 or at + size > end:
            raise _cut(max(1, at + size - end))
        if size < 8:
            raise UnreadableError(f"damaged: no box begins at byte {at}")
        names.add(header[4:8])
        at += size
    if b"moov" not in names:
        raise UnreadableError("truncated, or never finished: it has no moov box, which says how to read the rest")
    return Layout(start, timed=b"moof" not in names)


def _webm(file: BinaryIO, start: int, end: int) -> Layout:
    """Walk its elements, into a segment and into clusters of unknown size, as browsers write them."""
    at = start
    while at < end:
        head = _at(file, at, 12)
        length, _ = _vint(head)
        name = head[:length]
        size_length, size = _vint(head[length:])
        if not length or not size_length:
            if end - at < 12:
                raise _cut(1)
            raise UnreadableError(f"damaged: no element begins at byte {at}")
        unknown = size == (1 << 7 * size_length) - 1
        at += length + size_length
        if unknown and name in (_SEGMENT, _CLUSTER):
            continue
        if unknown or at + size > end:
            raise _cut(max(1, at + size - end)) if not unknown else UnreadableError("damaged: an element has no size")
        at += size
    return Layout(start)


_SEGMENT, _CLUSTER = b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"


def _vint(data: bytes) -> tuple[int, int]:
    """Length in bytes, and value without the marker, of an EBML number; length 0 for none."""
    length = 9 - data[0].bit_length() if data and data[0] else 0
    if not 0 < length <= len(data):
        return 0, 0
    return length, int.from_bytes(data[:length], "big") & (1 << 7 * length) - 1


def _chunks(file: BinaryIO, at: int, end: int, order: Order) -> Iterator[tuple[bytes, int, int]]:
    """Name, where its content begins, and size of each chunk, as far as headers are there."""
    while at + 8 <= end:
        header = _at(file, at, 8)
        size = int.from_bytes(header[4:], order)
        yield header[:4], at + 8, size
        at += 8 + size + size % 2


def _whole(name: bytes, at: int, size: int, end: int) -> None:
    if at + size > end:
        raise UnreadableError(
            f"truncated, or its header is damaged: its chunk {name.decode('latin-1')!r} should have {size} bytes,"
            f" {end - at} are there"
        )


def _rest(file: BinaryIO, at: int, end: int, order: Order) -> int:
    """Bytes from ``at`` to the end, or 0 where they are chunks, a tag or padding."""
    at += at % 2
    if at >= end:
        return 0
    head = _at(file, at, 4_096)
    if head.startswith(_PADDED) or not head.strip(b"\0"):
        return 0
    for name, begin, size in _chunks(file, at, end, order):
        if not (name.isascii() and name.decode("ascii").isprintable()) or begin + size > end + 1:
            return end - at
    return 0


def _stale(size: int, rest: int) -> UnreadableError:
    return UnreadableError(
        f"its header speaks of {size} bytes of samples, and {rest} bytes more follow: its writer was stopped before it"
        " could finish the header, or something else was appended; repair it: ffmpeg -ignore_length 1 -i FILE OUT.wav"
    )


def _at(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)


_EXAMINERS: Mapping[str, Callable[[BinaryIO, int, int], Layout]] = {
    "wav": _wav, "rf64": _wav, "w64": _w64, "aiff": _aiff, "au": _au, "caf": _caf, "nist": _nist, "flac": _flac,
    "ogg": _ogg, "mp4": _mp4, "webm": _webm,
}  # fmt: skip

_WALKS: Mapping[str, Callable[[BinaryIO, int, int, Limits], Layout]] = {
    "mp3": frames.mp3, "aac": frames.aac, "amr": frames.amr,
}  # fmt: skip


class Spliced(io.RawIOBase):
    """A file that reads as ``head`` followed by the bytes of ``file`` from ``start`` on."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._file, self._layout = file, layout
        self._end = len(layout.head) + file.seek(0, 2) - layout.start
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
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

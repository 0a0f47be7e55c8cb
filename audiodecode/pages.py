"""Formats of pages, boxes and elements (Ogg, FLAC, MP4, Matroska): whether they are whole."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from audiodecode.limits import UnreadableError
from audiodecode.splice import Layout, bytes_at, cut, several

_BLOCK = 1 << 20
_FLAC_BEGIN = b"fLaC\0\0\0\x22"  # with the head of the block that must come first
_FLAC_FRAME, _FLAC_TRIES = 2**18, 32  # bytes that hold a frame; sync codes there, most of them by chance


def flac(file: BinaryIO, start: int, end: int) -> Layout:
    """Its count of samples is held against what is decoded; where it has none, its last frame must be whole.

    What follows the samples that it counts is not looked at by decoders: it must not be another file.
    """
    info = bytes_at(file, start + 8, 34)
    if len(info) == 34 and not int.from_bytes(info[13:18], "big") & 0xF_FFFF_FFFF and not _ends_in_frame(file, end):
        raise UnreadableError("truncated: its last frame is not whole")
    if any(_FLAC_BEGIN in bytes_at(file, at, _BLOCK + len(_FLAC_BEGIN)) for at in range(start + 8, end, _BLOCK)):
        raise several()
    return Layout(start)


def _ends_in_frame(file: BinaryIO, end: int) -> bool:
    """Whether a FLAC frame whose CRC-16 holds ends where the file does."""
    tail = bytes_at(file, max(0, end - _FLAC_FRAME), _FLAC_FRAME)
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


_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_CRC16 = tuple(_crc16_table())


def ogg(file: BinaryIO, start: int, end: int) -> Layout:
    """Walk its pages: the last must be whole, and one stream must follow another nowhere."""
    at, sound, begun = start, 0, False
    while at < end:
        header = bytes_at(file, at, 27)
        if header[:4] != b"OggS":
            raise UnreadableError(f"damaged: no page begins at byte {at}")
        segments = bytes_at(file, at + 27, header[26]) if len(header) == 27 else b""
        size = 27 + len(segments) + sum(segments)
        if len(header) < 27 or len(segments) < header[26] or at + size > end:
            raise cut(max(1, at + size - end))
        if _ogg_checksum(bytes_at(file, at, size)) != int.from_bytes(header[22:26], "little"):
            raise UnreadableError(f"damaged: the page at byte {at} is not as its checksum says")
        first = bool(header[5] & 2)
        if first and begun:
            raise several()
        begun = begun or not first
        sound += first
        at += size
    if sound > 1:
        raise UnreadableError("several streams in one file; keep one: ffmpeg -i FILE -map 0:a:0 OUT.wav")
    return Layout(start)


def _ogg_checksum(page: bytes) -> int:
    """CRC-32 of a page, its own field taken as zero. Ogg's is zlib's with all bits the other way round."""
    reversed_bits = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED)
    return int(f"{zlib.crc32(reversed_bits, 0xFFFF_FFFF) ^ 0xFFFF_FFFF:032b}"[::-1], 2)


def mp4(file: BinaryIO, start: int, end: int) -> Layout:
    names = list[bytes]()
    at = start
    while at < end:
        header = bytes_at(file, at, 16)
        size = int.from_bytes(header[:4], "big")
        size = int.from_bytes(header[8:], "big") if size == 1 else size or end - at
        if len(header) < 8 or at + size > end:
            raise cut(max(1, at + size - end))
        if size < 8:
            raise UnreadableError(f"damaged: no box begins at byte {at}")
        names.append(header[4:8])
        at += size
    if b"moov" not in names:
        raise UnreadableError("truncated, or never finished: it has no moov box, which says how to read the rest")
    if names.count(b"moov") > 1:
        raise several()
    return Layout(start, timed=b"moof" not in names)


def webm(file: BinaryIO, start: int, end: int) -> Layout:
    """Walk its elements, into a segment and into clusters of unknown size, as browsers write them."""
    at = start
    while at < end:
        head = bytes_at(file, at, 12)
        length, _ = _vint(head)
        name = head[:length]
        size_length, size = _vint(head[length:])
        if not length or not size_length:
            if end - at < 12:
                raise cut(1)
            raise UnreadableError(f"damaged: no element begins at byte {at}")
        if name == _EBML and at > start:
            raise several()
        unknown = size == (1 << 7 * size_length) - 1
        at += length + size_length
        if unknown and name in (_SEGMENT, _CLUSTER):
            continue
        if unknown or at + size > end:
            raise cut(max(1, at + size - end)) if not unknown else UnreadableError("damaged: an element has no size")
        at += size
    return Layout(start)


_EBML, _SEGMENT, _CLUSTER = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67", b"\x1f\x43\xb6\x75"


def _vint(data: bytes) -> tuple[int, int]:
    """Length in bytes, and value without the marker, of an EBML number; length 0 for none."""
    length = 9 - data[0].bit_length() if data and data[0] else 0
    if not 0 < length <= len(data):
        return 0, 0
    return length, int.from_bytes(data[:length], "big") & (1 << 7 * length) - 1

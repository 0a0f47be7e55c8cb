"""What a file's header promises, held against the bytes that are there: libraries drop what is missing in silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Literal

from audiodecode import frames, pages
from audiodecode.limits import Limits, UnreadableError
from audiodecode.splice import Layout, bytes_at, cut, several

Order = Literal["little", "big"]

UNKNOWN = 0x7FFF_0000
"""Writers to a pipe, not knowing the length, put a number near 2 or 4 GiB."""
STALE = 1_024
"""Bytes behind the samples that are no chunk: from so many on, the header was left unfinished."""

_BEGINNINGS = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM")
_PADDED = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")


def examine(file: BinaryIO, kind: str, start: int, end: int, limits: Limits) -> Layout:
    """The layout of a file of that kind. Raises UnreadableError for one cut short or at odds with it."""
    if walk := _WALKS.get(kind):
        return walk(file, start, end, limits)
    found = _EXAMINERS.get(kind)
    return found(file, start, end) if found else Layout(start)


def _wav(file: BinaryIO, start: int, end: int) -> Layout:
    """RIFF, RIFX, RF64 and BW64."""
    header = bytes_at(file, start, 12)
    order: Order = "big" if header[:4] == b"RIFX" else "little"
    size_at, size_64 = 4, 0
    for name, at, size in _chunks(file, start + 12, end, order):
        if name == b"ds64":
            size_at, size_64 = at + 8, int.from_bytes(bytes_at(file, at + 8, 8), "little")
        if name != b"data":
            _whole(name, at, size, end)
            continue
        wide = header[:4] in (b"RF64", b"BW64") and size == 0xFFFF_FFFF
        size = size_64 if wide else size
        unknown = size >= (2**63 if wide else UNKNOWN)
        if not unknown and at + size > end:
            raise cut(at + size - end)
        if unknown and not wide:
            return Layout(start)
        rest = _rest(file, at + size if size and not unknown else at, end, order)
        if unknown or (not size and rest):
            head = bytearray(bytes_at(file, start, at - start))
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
    while len(chunk := bytes_at(file, at, 24)) == 24:
        size = int.from_bytes(chunk[16:], "little")
        if chunk[:4] == b"data" and at + size > end:
            raise cut(at + size - end)
        if chunk[:4] == b"data" and size <= 24 < end - at:
            raise _stale(0, end - at - 24)
        if chunk[:4] == b"data":
            _w64_tail(file, at + size + -size % 8, end, size - 24)
            return Layout(start, end=at + size)
        if size < 24:
            break
        _whole(chunk[:4], at, size, end)
        at += size + -size % 8
    return Layout(start)


def _w64_tail(file: BinaryIO, at: int, end: int, size: int) -> None:
    """Raises UnreadableError where neither a chunk nor nothing to speak of follows samples of that size."""
    chunk = bytes_at(file, at, 24)
    if chunk[:4] == b"riff":
        raise several()
    is_chunk = chunk[:4].isalnum() and 24 <= int.from_bytes(chunk[16:], "little") <= end - at + 8
    if end - at >= STALE and not is_chunk and not frames.blank(file, at):
        raise _stale(size, end - at)


def _aiff(file: BinaryIO, start: int, end: int) -> Layout:
    for name, at, size in _chunks(file, start + 12, end, "big"):
        if name == b"SSND":
            if at + size > end:
                raise cut(at + size - end)
            rest = _rest(file, at + size, end, "big")
            if rest >= STALE or (size <= 8 and rest):
                raise _stale(max(0, size - 8), rest)
            break
        _whole(name, at, size, end)
    return Layout(start)


def _au(file: BinaryIO, start: int, end: int) -> Layout:
    header = bytes_at(file, start, 12)
    order: Order = "big" if header[:4] == b".snd" else "little"
    at, size = int.from_bytes(header[4:8], order), int.from_bytes(header[8:], order)
    if size < UNKNOWN and start + at + size > end:
        raise cut(start + at + size - end)
    rest = end - start - at - size
    if size < UNKNOWN and (rest >= STALE or (not size and rest > 0)):
        raise _stale(size, rest)
    return Layout(start)


def _caf(file: BinaryIO, start: int, end: int) -> Layout:
    at = start + 8
    while len(chunk := bytes_at(file, at, 12)) == 12:
        size = int.from_bytes(chunk[4:], "big", signed=True)
        at += 12
        if size == -1:
            break
        if chunk[:4] == b"data" and at + size > end:
            raise cut(at + size - end)
        if chunk[:4] == b"data" and size <= 4 < end - at:
            raise _stale(0, end - at - 4)
        if chunk[:4] == b"caff":
            raise several()
        if size < 0:
            raise UnreadableError("its header is damaged: a chunk of negative size")
        _whole(chunk[:4], at, size, end)
        at += size
    return Layout(start)


def _nist(file: BinaryIO, start: int, end: int) -> Layout:
    try:
        lines = bytes_at(file, start, 1_024).decode("latin-1").splitlines()
        fields = {parts[0]: parts[-1] for line in lines[2:] if len(parts := line.split()) == 3}
        size = int(fields["sample_count"]) * int(fields.get("channel_count", 1)) * int(fields["sample_n_bytes"])
        promised = start + int(lines[1]) + size
    except (LookupError, ValueError):
        return Layout(start)
    if bytes_at(file, promised, 7) == b"NIST_1A":
        raise several()
    if promised > end and fields.get("sample_coding", "pcm") in ("pcm", "ulaw", "mu-law", "alaw"):
        raise cut(promised - end)
    if end - promised >= STALE and not frames.blank(file, promised):
        raise _stale(size, end - promised)
    return Layout(start, end=promised if promised < end else None)


def _chunks(file: BinaryIO, at: int, end: int, order: Order) -> Iterator[tuple[bytes, int, int]]:
    """Name, where its content begins, and size of each chunk, as far as headers are there."""
    while at + 8 <= end:
        header = bytes_at(file, at, 8)
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
    if bytes_at(file, at, 12).startswith(_PADDED) or frames.blank(file, at):
        return 0
    for name, begin, size in _chunks(file, at, end, order):
        if name in _BEGINNINGS:
            raise several()
        if not (name.isascii() and name.decode("ascii").isprintable()) or begin + size > end + 1:
            return end - at
    return 0


def _stale(size: int, rest: int) -> UnreadableError:
    return UnreadableError(
        f"its header speaks of {size} bytes of samples, and {rest} bytes more follow: its writer was stopped before it"
        " could finish the header, or something else was appended; repair it: ffmpeg -ignore_length 1 -i FILE OUT.wav"
    )


_EXAMINERS: Mapping[str, Callable[[BinaryIO, int, int], Layout]] = {
    "wav": _wav, "rf64": _wav, "w64": _w64, "aiff": _aiff, "au": _au, "caf": _caf, "nist": _nist, "flac": pages.flac,
    "ogg": pages.ogg, "mp4": pages.mp4, "webm": pages.webm,
}  # fmt: skip

_WALKS: Mapping[str, Callable[[BinaryIO, int, int, Limits], Layout]] = {
    "mp3": frames.mp3, "aac": frames.aac, "amr": frames.amr,
}  # fmt: skip

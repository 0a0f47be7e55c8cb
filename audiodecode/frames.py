"""Formats that are a row of frames (MP3, AAC in ADTS, AMR): how long they are is known by walking along."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import BinaryIO, NamedTuple

from audiodecode.limits import Limits, UnreadableError
from audiodecode.splice import Layout, bytes_at

_MPEG_RATES = (44_100, 48_000, 32_000)
_KILOBITS = {  # by MPEG-1 or not, and layer
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_ADTS_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)
_AMR_SIZES = {
    b"#!AMR\n": (13, 14, 16, 18, 20, 21, 27, 32, 6, 1, 1, 1, 1, 1, 1, 1),
    b"#!AMR-WB\n": (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, 1, 1, 1, 1, 1, 1),
}
_PADDING = 4 * 1_152  # samples that decoders drop: those of encoder and decoder, at most
_WALKED = 1 << 18  # bytes read at once
_TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN")


class Frame(NamedTuple):
    """What a frame's header says: bytes with it, samples, Hz; of MPEG audio also kbit/s, and whether it is mono."""

    size: int
    samples: int
    rate: int
    kilobits: int = 0
    mono: bool = False


def mpeg_frame(header: bytes) -> Frame | None:
    """MPEG-1, -2 or -2.5 audio, layers I to III; None where no frame begins, and for free format."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bits, hertz, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or bits in (0, 15) or hertz == 3:
        return None
    first = version == 3
    rate = _MPEG_RATES[hertz] >> (0 if first else 1 if version == 2 else 2)
    kilobits, mono = _KILOBITS[first, layer][bits - 1], header[3] >> 6 == 3
    if layer == 1:
        return Frame((12_000 * kilobits // rate + padding) * 4, 384, rate, kilobits, mono)
    samples = 1_152 if first or layer == 2 else 576
    return Frame(samples * 125 * kilobits // rate + padding, samples, rate, kilobits, mono)


def adts_frame(header: bytes) -> Frame | None:
    """AAC in ADTS; None where no frame begins."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    hertz = header[2] >> 2 & 15
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    if hertz >= len(_ADTS_RATES) or size < 7:
        return None
    return Frame(size, 1_024 * (1 + (header[6] & 3)), _ADTS_RATES[hertz])


def mp3(file: BinaryIO, start: int, end: int, limits: Limits) -> Layout:
    """Its frames counted. One of varying bit rate that does not say their number is given a first frame that does.

    Raises UnreadableError where anything but frames stands between them, one is cut, or rate or channels change.
    """
    head = bytes_at(file, start, 2_048)
    first = mpeg_frame(head)
    assert first is not None, "a frame made this an MP3"
    counted = _counted(head[: first.size])
    count, rates = 0, set()
    for frame in _walk(file, start, end, mpeg_frame, limits):
        if (frame.rate, frame.samples, frame.mono) != (first.rate, first.samples, first.mono):
            raise UnreadableError("its rate or channels change on the way; split it into files")
        count += 1
        rates.add(frame.kilobits)
    if counted is None:
        splice = _numbered(head, count, end - start) if len(rates) > 1 else b""
        return Layout(start, splice, count * first.samples, first.samples)
    declared, trimmed = counted
    if declared and abs(count - 1 - declared) > 1:
        word = "truncated" if count - 1 < declared else "several recordings in one file"
        raise UnreadableError(f"{word}: its header counts {declared} frames, it has {count - 1}")
    return Layout(start, b"", (count - 1) * first.samples - trimmed, 2 * first.samples)


def is_counted(head: bytes) -> bool:
    """Whether an MP3 that begins so says how many frames it has."""
    first = mpeg_frame(head)
    return first is not None and _counted(head[: first.size]) is not None


def unnumbered(file: BinaryIO, start: int, end: int) -> Layout | None:
    """The layout of an MP3 of varying bit rate that does not say how many frames it has, from which decoders guess its
    length by the first; None for others, and where anything but frames stands between them."""
    head = bytes_at(file, start, 2_048)
    first = mpeg_frame(head)
    if first is None:
        return None
    frame_of = lru_cache(mpeg_frame)
    data, base, at, count, rates = b"", start, start, 0, set[int]()
    while at + 4 <= end:
        if at + 4 > base + len(data):
            data, base = bytes_at(file, at, _WALKED), at
        frame = frame_of(data[at - base : at - base + 4])
        if frame is None:
            if data[at - base :].startswith(_TAGS) or blank(file, at):
                break
            return None
        if (frame.rate, frame.samples, frame.mono) != (first.rate, first.samples, first.mono):
            return None
        rates.add(frame.kilobits)
        at += frame.size
        count += at <= end
    return Layout(start, _numbered(head, count, end - start), count * first.samples) if len(rates) > 1 else None


def aac(file: BinaryIO, start: int, end: int, limits: Limits) -> Layout:
    """Raises UnreadableError where a frame is cut, or anything else stands between them."""
    for _ in _walk(file, start, end, adts_frame, limits):
        pass
    return Layout(start)


def amr(file: BinaryIO, start: int, end: int, limits: Limits) -> Layout:
    """Raises UnreadableError where a frame is cut."""
    magic = next((magic for magic in _AMR_SIZES if bytes_at(file, start, len(magic)) == magic), None)
    if magic is None:
        raise UnreadableError("AMR of several channels, which is not read")
    sizes, rate = _AMR_SIZES[magic], 16_000 if b"WB" in magic else 8_000

    def parse(header: bytes) -> Frame | None:
        return Frame(sizes[header[0] >> 3 & 15], rate // 50, rate) if header else None

    for _ in _walk(file, start + len(magic), end, parse, limits):
        pass
    return Layout(start)


def _walk(file: BinaryIO, at: int, end: int, parse: Callable[[bytes], Frame | None], limits: Limits) -> Iterator[Frame]:
    samples = 0
    while at < end:
        head = bytes_at(file, at, 12)
        frame = parse(head)
        if frame is None:
            if head[:3] == b"ID3" and len(head) >= 10:
                at += id3_size(head)
                continue
            if head.startswith(_TAGS) or blank(file, at):
                return
            raise UnreadableError(f"damaged: no frame begins at byte {at}")
        if at + frame.size > end:
            raise UnreadableError(f"truncated, {at + frame.size - end} bytes of its last frame are missing")
        samples += frame.samples
        limits.check(frame.rate, 1, samples - _PADDING)
        yield frame
        at += frame.size


def blank(file: BinaryIO, at: int) -> bool:
    """Whether nothing but zeros follows."""
    file.seek(at)
    while block := file.read(1 << 16):
        if block.strip(b"\0"):
            return False
    return True


def id3_size(head: bytes) -> int:
    """Bytes of the ID3 tag that begins with ``head``, at least ten bytes of it."""
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
    return 10 + size + 10 * bool(head[5] & 0x10)


def _counted(frame: bytes) -> tuple[int, int] | None:
    """Frames, and samples that decoders drop, as a first frame of Xing, LAME or Fraunhofer says them; None if none."""
    if frame[36:40] == b"VBRI":
        return int.from_bytes(frame[50:54], "big"), 0
    at = next((at for at in (13, 21, 36) if frame[at : at + 4] in (b"Xing", b"Info")), None)
    if at is None:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    delay = int.from_bytes(frame[at + 141 : at + 144], "big") if flags & 15 == 15 else 0
    return int.from_bytes(frame[at + 8 : at + 12], "big") if flags & 1 else 0, (delay >> 12) + (delay & 0xFFF)


def _numbered(head: bytes, count: int, size: int) -> bytes:
    """A Xing frame, like the frame that begins with ``head``, that says how many frames follow."""
    mono = head[3] >> 6 == 3
    at = 4 + ((17 if mono else 32) if head[1] >> 3 & 3 == 3 else (9 if mono else 17))
    for bits in range(1, 15):
        header = bytes([head[0], head[1] | 1, bits << 4 | head[2] & 0x0C, head[3]])
        frame = mpeg_frame(header)
        if frame and frame.size >= at + 16:
            tag = b"Xing" + (3).to_bytes(4, "big") + count.to_bytes(4, "big") + (size + frame.size).to_bytes(4, "big")
            return (header + bytes(at - 4) + tag).ljust(frame.size, b"\0")
    raise UnreadableError("its frames cannot be counted")

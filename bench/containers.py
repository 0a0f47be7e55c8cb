"""What a file says it is: formats by their first bytes, and frames of MP3 and AAC by their headers.

A name decides nothing: people rename files, and programs give them odd endings.
"""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

HEAD = 8_192
"""Bytes that tell a format: two frames of any MP3 are no longer."""

_RIFF_KINDS = {b"WAVE": "wav", b"AVI ": "avi"}
_W64 = b"riff\x2e\x91\xcf\x11"
_MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"moof")
_PICTURES = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
_MAGIC = (
    (b"fLaC", "flac"), (b"OggS", "ogg"), (b"caff", "caf"), (b".snd", "au"), (b"dns.", "au"), (b"RIFX", "wav"),
    (b"RF64", "rf64"), (b"BW64", "rf64"), (_W64, "w64"), (b"NIST_1A", "nist"), (b"\x1a\x45\xdf\xa3", "webm"),
    (b"#!AMR", "amr"), (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wma"), (b"FLV\x01", "flv"), (b"wvpk", "wavpack"),
    (b"MAC ", "ape"), (b"TTA1", "tta"), (b"Creative Voice File", "voc"), (b"ADIF", "adif"),
    (b"\x00\x00\x01\xba", "mpeg"), (b"DSD ", "dsf"),
)  # fmt: skip

_MPEG_RATES = (44_100, 48_000, 32_000)
_KILOBITS = {  # by MPEG-1 or not, and layer
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


class Frame(NamedTuple):
    """What the header of an MPEG audio or ADTS frame says: bytes with it, samples, Hz, kbit/s (0 for ADTS)."""

    size: int
    samples: int
    rate: int
    kilobits: int = 0


def identify(file: BinaryIO) -> tuple[str, int]:
    """The format's name ("" if it is none known) and where it begins, which is behind any ID3 tags."""
    start = 0
    head = _at(file, 0)
    while head[:3] == b"ID3" and len(head) >= 10:
        size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True))
        start += 10 + size + 10 * bool(head[5] & 0x10)
        head = _at(file, start)
    name = sniff(head)
    if not name and start:  # padding of the tag that its size leaves out
        padding = len(head) - len(head.lstrip(b"\0"))
        name, start = sniff(head[padding:]), start + padding
    return name, start


def sniff(head: bytes) -> str:
    """The format that a file of these first bytes has; "" if it is none known."""
    if head[:4] == b"RIFF":
        return _RIFF_KINDS.get(head[8:12], "")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[4:8] in _MP4_BOXES and (head[4:8] == b"mdat" or not head[0]):  # text begins with no zero byte
        return "" if head[8:12] in _PICTURES else "mp4"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    for name, parse in (("aac", adts_frame), ("mp3", mpeg_frame)):
        first = parse(head)
        if first:
            second = head[first.size : first.size + 8]
            if not second or parse(second):
                return name
    return ""


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
    kilobits = _KILOBITS[first, layer][bits - 1]
    if layer == 1:
        return Frame((12_000 * kilobits // rate + padding) * 4, 384, rate, kilobits)
    samples = 1_152 if first or layer == 2 else 576
    return Frame(samples * 125 * kilobits // rate + padding, samples, rate, kilobits)


_ADTS_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350)


def adts_frame(header: bytes) -> Frame | None:
    """AAC in ADTS; None where no frame begins."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return None
    hertz = header[2] >> 2 & 15
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    if hertz >= len(_ADTS_RATES) or size < 7:
        return None
    return Frame(size, 1_024 * (1 + (header[6] & 3)), _ADTS_RATES[hertz])


def _at(file: BinaryIO, start: int) -> bytes:
    file.seek(start)
    return file.read(HEAD)

"""What a file says it is: formats by their first bytes.

A name decides nothing: people rename files, and programs give them odd endings.
"""

from __future__ import annotations

from typing import BinaryIO

from audiodecode.files import HEAD, Source
from audiodecode.frames import adts_frame, id3_size, mpeg_frame
from audiodecode.splice import bytes_at

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


def identify(file: BinaryIO) -> tuple[str, int]:
    """The format's name ("" if it is none known) and where it begins, which is behind any ID3 tags."""
    start = 0
    head = bytes_at(file, 0, HEAD)
    while head[:3] == b"ID3" and len(head) >= 10:
        start += id3_size(head)
        head = bytes_at(file, start, HEAD)
    name = sniff(head)
    if not name and start:  # padding of the tag that its size leaves out
        padding = len(head) - len(head.lstrip(b"\0"))
        name, start = sniff(head[padding:]), start + padding
    return name, start


def kind_of(source: Source) -> tuple[str, int]:
    """``identify``, by the bytes that were read first, where they suffice."""
    if source.head.startswith(b"ID3"):
        return identify(source.file)
    return sniff(source.head[:HEAD]), 0


def sniff(head: bytes) -> str:
    """The format that a file of these first bytes has; "" if it is none known."""
    if head[:1] == b"\xff":
        return _framed(head)
    if head[:4] == b"RIFF":
        return _RIFF_KINDS.get(head[8:12], "")
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[4:8] in _MP4_BOXES and (head[4:8] == b"mdat" or not head[0]):  # text begins with no zero byte
        return "" if head[8:12] in _PICTURES else "mp4"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    return ""


def _framed(head: bytes) -> str:
    for name, parse in (("aac", adts_frame), ("mp3", mpeg_frame)):
        first = parse(head)
        if first and len(head) >= first.size:  # a text in UTF-16 begins as a frame does, which its length belies
            second = head[first.size : first.size + 8]
            if not second or parse(second):
                return name
    return ""

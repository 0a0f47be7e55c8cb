"""What a header promises, held against what is there."""

from __future__ import annotations

import io
import struct
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from audiodecode.limits import LIMITS, Limits, UnreadableError
from bench.audio import Audio, decode
from tests.audiodecode.sounds import OTHER, RATE, SNDFILE, by_libsndfile, by_pyav, speech, unnumbered_mp3
from tests.conftest import tone

SAMPLES = len(speech())


def samples(content: bytes, limits: Limits = LIMITS) -> int:
    return len(decode(io.BytesIO(content), limits)[0])


@pytest.mark.parametrize("format", SNDFILE)
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 0.99])
def test_a_part_of_a_file_is_truncated(format: str, share: float) -> None:
    whole = by_libsndfile(format)
    assert samples(whole) == SAMPLES
    with pytest.raises(UnreadableError, match="truncated"):
        decode(io.BytesIO(whole[: int(len(whole) * share)]))


@pytest.mark.parametrize("ending", OTHER)
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75, 0.99])
def test_a_part_of_a_phone_s_or_browser_s_file_is_truncated(ending: str, share: float) -> None:
    whole = by_pyav(ending)
    with pytest.raises(UnreadableError, match="truncated"):
        decode(io.BytesIO(whole[: int(len(whole) * share)]))


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
@pytest.mark.parametrize(
    ("ending", "options"), [("webm", {"live": "1"}), ("m4a", {"movflags": "frag_keyframe+empty_moov"})]
)
def test_a_part_of_a_stream_without_sizes_is_truncated(ending: str, options: dict[str, str], share: float) -> None:
    whole = by_pyav(ending, options=options, seekable=False)
    assert samples(whole) >= 2 * OTHER[ending][2]
    with pytest.raises(UnreadableError, match="truncated"):
        decode(io.BytesIO(whole[: int(len(whole) * share)]))


def of_size(size: int, order: str = "<") -> bytes:
    """A WAV whose data chunk claims that many bytes."""
    whole = by_libsndfile("WAV")
    return whole[:40] + struct.pack(order + "I", size) + whole[44:]


@pytest.mark.parametrize("size", [0, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_F000])
def test_a_length_that_its_writer_did_not_know_is_read_to_the_end(size: int) -> None:
    np.testing.assert_array_equal(decode(io.BytesIO(of_size(size)))[0], decode(io.BytesIO(by_libsndfile("WAV")))[0])


def test_an_rf64_of_unknown_length_is_read_to_the_end() -> None:
    whole = by_libsndfile("RF64")
    at = whole.index(b"ds64") + 16
    for size in (0, 2**64 - 1):
        assert samples(whole[:at] + struct.pack("<Q", size) + whole[at + 8 :]) == SAMPLES


def test_a_big_endian_wav_without_a_length_is_read_to_the_end() -> None:
    file = io.BytesIO()
    soundfile.write(file, speech(), RATE, "PCM_16", endian="BIG", format="WAV")
    whole = file.getvalue()
    at = whole.index(b"data") + 4
    assert whole[:4] == b"RIFX" and samples(whole[:at] + bytes(4) + whole[at + 4 :]) == SAMPLES


@pytest.mark.parametrize("format", ["WAV", "AIFF", "AU", "W64", "NIST"])
def test_a_header_that_speaks_of_a_part_is_said(format: str) -> None:
    whole, twice = by_libsndfile(format), by_libsndfile(format, np.tile(speech(), 2))
    header = len(whole) - 2 * SAMPLES
    with pytest.raises(
        UnreadableError, match="its header speaks of 64000 bytes of samples, and 64000 bytes more follow"
    ):
        decode(io.BytesIO(whole[:header] + twice[-4 * SAMPLES :]))


@pytest.mark.parametrize(
    ("format", "size"), [("W64", (24).to_bytes(8, "little")), ("CAF", (4).to_bytes(8, "big")), ("AU", bytes(4))]
)
def test_a_header_that_speaks_of_no_samples_is_said(format: str, size: bytes) -> None:
    whole = by_libsndfile(format)
    at = {"W64": whole.find(b"data\xf3\xac") + 16, "CAF": whole.find(b"data") + 4, "AU": 8}[format]
    with pytest.raises(UnreadableError, match="its header speaks of 0 bytes of samples"):
        decode(io.BytesIO(whole[:at] + size + whole[at + len(size) :]))


@pytest.mark.parametrize(
    "tail",
    [b"LIST\4\0\0\0INFO", b"id3 \2\0\0\0xx", bytes(5_000), b"TAG" + b"x" * 1_125, b"ID3\4\0\0\0\0\0\0" * 300, b"\n"],
)
def test_chunks_tags_and_padding_behind_the_samples_are_no_samples(tail: bytes) -> None:
    assert samples(by_libsndfile("WAV") + tail) == SAMPLES


def test_an_empty_file_stays_empty_whatever_chunks_follow() -> None:
    with pytest.raises(UnreadableError, match="no samples"):
        decode(io.BytesIO(of_size(0)[:44] + b"LIST\4\0\0\0INFO"))


@pytest.mark.parametrize(("at", "chunk"), [(16, "fmt "), (40, "HURF")])
def test_a_chunk_beyond_the_file_is_named(at: int, chunk: str) -> None:
    raw = bytearray(by_libsndfile("WAV"))
    raw[at - 4 : at + 4] = chunk.encode() + b"9999"
    with pytest.raises(UnreadableError, match=f"'{chunk}' should have 960051513 bytes"):
        decode(io.BytesIO(raw))


@pytest.mark.parametrize("format", ["WAV", "FLAC", "MP3", "AIFF"])
def test_an_id3_tag_before_any_format_is_skipped(format: str) -> None:
    tag = b"ID3\4\0\0\0\0\1\0" + b"x" * 128
    assert samples(tag + by_libsndfile(format)) == SAMPLES == samples(tag + tag + bytes(99) + by_libsndfile(format))


def unnumbered_flac(audio: Audio | None = None) -> bytes:
    """A FLAC that does not say how long it is, as a stream."""
    raw = bytearray(by_libsndfile("FLAC", audio))
    raw[21] &= 0xF0
    raw[22:26] = bytes(4)
    return bytes(raw)


def test_a_flac_of_unknown_length_is_read_whole_or_truncated() -> None:
    whole = unnumbered_flac()
    np.testing.assert_array_equal(decode(io.BytesIO(whole))[0], decode(io.BytesIO(by_libsndfile("FLAC")))[0])
    for share in (0.3, 0.5, 0.9, 0.999):
        with pytest.raises(UnreadableError, match="truncated"):
            decode(io.BytesIO(whole[: int(len(whole) * share)]))


@pytest.mark.parametrize("loud", [0, 1, 2])
def test_an_mp3_without_a_count_of_frames_is_read_whole(loud: int) -> None:
    parts = [np.zeros(10 * RATE, np.float32)] * 3
    parts[loud] = np.random.default_rng(0).normal(0, 0.2, 10 * RATE).clip(-1, 1).astype(np.float32)
    audio, _ = decode(io.BytesIO(unnumbered_mp3(np.concatenate(parts))))
    assert len(audio) == pytest.approx(30 * RATE, abs=2_500)
    power = [float(np.square(part).mean()) for part in np.array_split(audio, 3)]
    assert np.argmax(power) == loud


def test_an_mp3_says_where_it_is_damaged_or_holds_two() -> None:
    whole = by_libsndfile("MP3")
    for content, reason in (
        (whole + whole, "several recordings in one file"),
        (whole[:2_000] + bytes(range(255)) + whole[2_000:], "damaged: no frame begins"),
        (unnumbered_mp3() + by_libsndfile("MP3", rate=8_000), "rate or channels change"),
    ):
        with pytest.raises(UnreadableError, match=reason):
            decode(io.BytesIO(content))
    assert samples(whole + b"TAG" + bytes(125)) == SAMPLES


@pytest.mark.parametrize("format", ["WAV", "RF64", "W64", "AIFF", "CAF", "NIST", "FLAC", "OGG"])
def test_two_files_in_one_are_said(format: str) -> None:
    with pytest.raises(UnreadableError, match="several recordings"):
        decode(io.BytesIO(by_libsndfile(format) * 2))


@pytest.mark.parametrize("ending", ["m4a", "webm"])
def test_two_of_a_phone_s_or_browser_s_files_in_one_are_said(ending: str) -> None:
    with pytest.raises(UnreadableError, match="several recordings"):
        decode(io.BytesIO(by_pyav(ending) * 2))


def test_what_follows_the_samples_is_none_of_them() -> None:
    levels = b"levl\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a" + (56).to_bytes(8, "little") + bytes(range(32))
    assert samples(by_libsndfile("W64") + levels) == SAMPLES
    assert samples(by_libsndfile("NIST") + b"the end") == SAMPLES


@pytest.mark.parametrize(
    ("rate", "channels", "reason"),
    [
        (1, 1, "1 Hz"),
        (999, 1, "999 Hz"),
        (1_092_676, 1, "1,092,676 Hz"),
        (RATE, 65, "65 channels"),
        (RATE, 200, "200 channels"),
    ],
)
def test_headers_beyond_the_limits_are_rejected(rate: int, channels: int, reason: str) -> None:
    raw = bytearray(by_libsndfile("WAV"))
    struct.pack_into("<HIIH", raw, 22, channels, rate, 2 * rate * channels, 2 * channels)
    with pytest.raises(UnreadableError, match=reason):
        decode(io.BytesIO(raw))


@pytest.mark.parametrize("format", SNDFILE)
def test_a_long_file_is_rejected_in_every_format(format: str) -> None:
    content = by_libsndfile(format)
    assert samples(content, Limits(seconds=2)) == SAMPLES
    with pytest.raises(UnreadableError, match="longest_clip_s"):
        decode(io.BytesIO(content), Limits(seconds=1.5))


@pytest.mark.parametrize(
    "make", [unnumbered_flac, unnumbered_mp3, lambda: of_size(0xFFFF_FFFF), lambda: by_pyav("webm")]
)
def test_a_long_file_that_does_not_say_so_is_rejected(make: Callable[[], bytes]) -> None:
    with pytest.raises(UnreadableError, match="longest_clip_s"):
        decode(io.BytesIO(make()), Limits(seconds=1.5))


def test_ten_hours_of_silence_cost_neither_time_nor_memory() -> None:
    hour = by_libsndfile("FLAC", np.zeros(3_600 * 8_000, np.float32), 8_000)
    declared = bytearray(hour)
    declared[22:26] = struct.pack(">I", 36_000 * 8_000)
    tracemalloc.start()
    with pytest.raises(UnreadableError, match="longest_clip_s"):
        decode(io.BytesIO(declared))
    unknown = unnumbered_flac(np.zeros(1_000 * 8_000, np.float32))
    with pytest.raises(UnreadableError, match="longest_clip_s"):
        decode(io.BytesIO(unknown), Limits(seconds=100))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50e6


def test_blocks_join_without_a_seam() -> None:
    audio = tone(440, 90, RATE)
    for format in ("WAV", "FLAC", "OGG", "MP3"):
        stereo = by_libsndfile(format, np.stack([audio, audio], 1))
        mono = by_libsndfile(format, audio)
        one, two = decode(io.BytesIO(stereo))[0], decode(io.BytesIO(mono))[0]
        assert len(one) == len(two) == len(audio)
        np.testing.assert_allclose(two, audio, atol=0.12)

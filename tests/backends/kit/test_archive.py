"""Archives from strangers: what they promise is checked before it is unpacked, and no more is unpacked than that."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io  # noqa: F401 - so that its imports are not counted as memory that a file takes
from numpy.typing import NDArray

from backends.base import BackendError, Clip
from backends.chance import Chance
from backends.kit import archive, arrayfile, modelfile
from backends.lite.backend import MfccLite
from backends.mfcc.classifiers import MfccLogreg
from tests.backends.mfcc.models import TRAIN, VOCABULARY

HEADER = {"format": 1, "backend": "mfcc-lite", "vocabulary": VOCABULARY, "options": {}, "variant": ""}
LITTLE = 30_000_000
"""Bytes of memory that refusing a file may take at most."""


def npy(array: NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def npy_header(shape: str, dtype: str = "<f4") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def zipped(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def zeros(path: Path, name: str, size: int, first: bytes = b"") -> Path:
    """A zip whose member holds ``first`` and zeros, written by blocks."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for other, content in {modelfile.HEADER: json.dumps(HEADER), "state.json": "{}"}.items():
            if other != name:
                made.writestr(other, content)
        with made.open(name, "w") as member:
            member.write(first)
            for _ in range(size // 1_000_000):
                member.write(bytes(1_000_000))
    return path


def patched(path: Path, *, size: int | None = None, flags: int | None = None, method: int | None = None) -> Path:
    """The last member's fields in the directory and in front of it made others."""
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"PK\1\2")
    local = struct.unpack_from("<I", content, entry + 42)[0]
    for at, (flag_at, method_at, size_at) in ((entry, (8, 10, 24)), (local, (6, 8, 22))):
        if flags is not None:
            struct.pack_into("<H", content, at + flag_at, flags)
        if method is not None:
            struct.pack_into("<H", content, at + method_at, method)
        if size is not None:
            struct.pack_into("<I", content, at + size_at, size)
    path.write_bytes(content)
    return path


def refused(read: Callable[[Path], object], path: Path) -> str:
    """What is said, after little memory was taken."""
    tracemalloc.start()
    try:
        with pytest.raises(BackendError, match=re.escape(str(path))) as caught:
            read(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < LITTLE, f"{peak:,} bytes taken"
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 1_000
    return message


def readers() -> list[Callable[[Path], object]]:
    return [
        modelfile.read_header,
        arrayfile.read,
        lambda path: modelfile.read(path, frozenset()),
        modelfile.read_json,
        MfccLogreg(VOCABULARY).restore,
        MfccLite(VOCABULARY).restore,
        Chance(VOCABULARY).restore,
    ]


@pytest.mark.timeout(30)
def test_only_regular_files_are_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        for read in readers():
            assert "a pipe, socket or device" in refused(read, tmp_path / "fifo")
            assert "a pipe, socket or device" in refused(read, Path("/dev/zero"))
            assert "a folder" in refused(read, tmp_path)
            assert "cannot be read" in refused(read, tmp_path / "socket")
            assert "No such file" in refused(read, tmp_path / "missing")


def test_a_link_to_a_model_is_a_model(tmp_path: Path) -> None:
    backend = Chance(VOCABULARY)
    backend.fit([Clip(np.zeros(1, np.float32), "low")])
    backend.save(tmp_path / "model")
    (tmp_path / "link").symlink_to("model")
    (tmp_path / "model").chmod(0o444)
    Chance(VOCABULARY).restore(tmp_path / "link")


@pytest.mark.parametrize("name", [modelfile.HEADER, "state.json", "schema.json", "other"])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, name: str) -> None:
    path = zeros(tmp_path / "bomb", name, 600_000_000)
    assert path.stat().st_size < 1_000_000
    for read in readers():
        refused(read, path)


def test_json_members_have_a_bound_of_their_own(tmp_path: Path) -> None:
    spaces = b" " * 40_000_000
    assert "more than 1000000" in refused(
        modelfile.read_header, zipped(tmp_path / "header", {modelfile.HEADER: spaces + b"{}"})
    )
    assert "more than 4000000" in refused(arrayfile.read, zipped(tmp_path / "state", {"state.json": spaces + b"{}"}))
    assert "more than 16000000" in refused(
        lambda path: modelfile.read(path, frozenset()), zipped(tmp_path / "schema", {"schema.json": spaces + b"{}"})
    )
    (tmp_path / "plain").write_bytes(spaces + b"{}")
    refused(modelfile.read_json, tmp_path / "plain")


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [
        ("(25000000000,)", "<f4"),
        ("(5, -5)", "<f4"),
        ("(100000000000000000000, 100000000000000000000)", "<f8"),
        ("(1000000000000,)", "|S0"),
        ("(1000000000000,)", "<U0"),
        ("(1,)", "|O"),
        ("(1, ", "<f4"),
        ("'x'", "<f4"),
        ("(0.5,)", "<f4"),
        ("-" * 9_000 + "1", "<f4"),
        ("(" * 9_000 + ")" * 9_000, "<f4"),
    ],
)
def test_an_array_is_as_large_as_it_says(tmp_path: Path, shape: str, dtype: str) -> None:
    content = npy_header(shape, dtype) + bytes(20)
    path = zipped(tmp_path / "model", {"state.json": b"{}", "array.npy": content})
    assert "array.npy" in refused(arrayfile.read, path) or "Malformed" not in path.name


def test_an_array_followed_by_more_is_refused_before_that_is_unpacked(tmp_path: Path) -> None:
    path = zeros(tmp_path / "model", "a.npy", 90_000_000, npy(np.zeros(3, np.float32)))
    assert "holds 90000012 bytes" in refused(arrayfile.read, path)


def test_a_member_larger_than_it_says_is_cut_and_refused(tmp_path: Path) -> None:
    """Its checksum is that of what it promises, and zlib would unpack all of it at once."""
    honest = npy(np.zeros(3, np.float32))
    path = zeros(tmp_path / "model", "a.npy", 200_000_000, honest)
    content = bytearray(patched(path, size=len(honest)).read_bytes())
    entry = content.rindex(b"PK\1\2")
    local = struct.unpack_from("<I", content, entry + 42)[0]
    for at in (entry + 16, local + 14):
        struct.pack_into("<I", content, at, zlib.crc32(honest))
    path.write_bytes(content)
    tracemalloc.start()
    _, arrays = arrayfile.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LITTLE
    assert arrays["a"].tolist() == [0, 0, 0]


def test_a_member_smaller_than_it_says_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "model", {"state.json": b"{}", "a.npy": npy(np.zeros(3, np.float32))})
    refused(arrayfile.read, patched(path, size=50_000_000))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused(tmp_path: Path, method: int) -> None:
    path = zipped(tmp_path / "model", {modelfile.HEADER: json.dumps(HEADER).encode()}, method)
    assert "another way than deflated" in refused(modelfile.read_header, path)


@pytest.mark.parametrize("name", ["../evil", "a/../../b", "/etc/passwd", "a\\b", "folder/"])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, name: str) -> None:
    refused(modelfile.read_header, zipped(tmp_path / "model", {modelfile.HEADER: b"{}", name: b""}))


def test_encrypted_and_zip64_members_are_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "model", {modelfile.HEADER: b"{}"})
    assert "encrypted" in refused(modelfile.read_header, patched(path, flags=1))
    with zipfile.ZipFile(path, "w") as made, made.open(modelfile.HEADER, "w", force_zip64=True) as member:
        member.write(b"{}")
    refused(modelfile.read_header, path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model", "w") as made:
        made.writestr(modelfile.HEADER, json.dumps(HEADER))
        made.writestr(modelfile.HEADER, json.dumps(HEADER | {"backend": "chance"}))
    assert "two members of one name" in refused(modelfile.read_header, tmp_path / "model")


def test_members_beyond_all_need_are_refused_unread(tmp_path: Path) -> None:
    path = zipped(tmp_path / "model", {modelfile.HEADER: b"{}"})
    content = path.read_bytes()
    start = content.index(b"PK\1\2")
    end = bytearray(content[content.index(b"PK\5\6") :])
    directory = content[start : content.index(b"PK\5\6")] * 60_000
    struct.pack_into("<I", end, 12, len(directory))
    path.write_bytes(content[:start] + directory + end)
    assert "more than 20,000 members" in refused(modelfile.read_header, path)


def test_what_surrounds_an_archive_is_refused(tmp_path: Path) -> None:
    content = zipped(tmp_path / "model", {modelfile.HEADER: json.dumps(HEADER).encode()}).read_bytes()
    for odd in (content[:4] + b"before" + content, content + b"after", content[:-2] + b"\5\0after"):
        (tmp_path / "model").write_bytes(odd)
        refused(modelfile.read_header, tmp_path / "model")


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"format": ' + '{"a":' * 50_000 + "1" + "}" * 50_001,
        '{"format": NaN, "backend": "chance"}',
        '{"format": 1e999, "backend": "chance"}',
        '{"format": ' + "9" * 10_000 + ', "backend": "chance"}',
    ],
    ids=["lists", "tables", "NaN", "1e999", "digits"],
)
def test_json_beyond_the_standard_or_all_need_is_refused(tmp_path: Path, content: str) -> None:
    zipped(tmp_path / "zip", {modelfile.HEADER: content.encode()})
    (tmp_path / "plain").write_text(content)
    for path in (tmp_path / "zip", tmp_path / "plain"):
        refused(modelfile.read_header, path)


WRONG: list[dict[str, object]] = [
    {"backend": ["chance"]},
    {"backend": "x" * 10_000},
    {"backend": "chance\n\x1b[2J"},
    {"variant": None},
    {"variant": 3},
    {"vocabulary": "zero"},
    {"vocabulary": ["a", "b"]},
    {"vocabulary": {"a": "b", "c": "d"}},
    {"vocabulary": {"a": [1], "b": [2]}},
    {"vocabulary": {}},
    {"vocabulary": {str(label): ["x"] for label in range(20_000)}},
    {"vocabulary": {"\ud800": ["x"], "b": ["y"]}},
    {"options": []},
    {"options": {"seed": [1]}},
    {"options": {"seed": None}},
    {"format": True},
    {"format": "1"},
    {"format": {"a": 1}},
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{str(wrong)[:40]!a}")
def test_a_header_of_wrong_types_is_refused(tmp_path: Path, wrong: dict[str, object]) -> None:
    content = json.dumps(HEADER | wrong)
    zipped(tmp_path / "zip", {modelfile.HEADER: content.encode()})
    (tmp_path / "plain").write_text(content)
    for path in (tmp_path / "zip", tmp_path / "plain"):
        refused(modelfile.read_header, path)


def test_fields_that_are_missing_are_named(tmp_path: Path) -> None:
    for name in HEADER:
        content = {key: value for key, value in HEADER.items() if key != name}
        zipped(tmp_path / "model", {modelfile.HEADER: json.dumps(content).encode()})
        assert repr(name) in refused(modelfile.read_header, tmp_path / "model")


def test_a_file_of_another_format_has_no_header(tmp_path: Path) -> None:
    zipped(tmp_path / "zip", {"weights.npy": npy(np.zeros(3))})
    (tmp_path / "json").write_text('{"mean": 3}')
    (tmp_path / "binary").write_bytes(b"\x80\x04weights")
    (tmp_path / "empty").write_bytes(b"")
    for path in sorted(tmp_path.iterdir()):
        assert modelfile.find_header(path) is None
        with pytest.raises(BackendError, match="no header"):
            modelfile.read_header(path)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "scalars is missing"),
        ({"scalars": True, "seed": 0, "model": "https://example.org"}, "'model' is not one"),
        ({"scalars": 1, "seed": 0}, "scalars must be true or false"),
        ({"scalars": True, "seed": 0.5}, "seed must be a whole number"),
        ({"scalars": True, "seed": True}, "seed must be a whole number"),
        ({"scalars": True, "seed": -1}, "seed must be a whole number"),
        ({"scalars": True, "seed": 10**30}, "seed must be a whole number"),
    ],
)
def test_options_are_those_that_save_writes(tmp_path: Path, options: dict[str, object], why: str) -> None:
    header = HEADER | {"backend": "mfcc-logreg", "options": options}
    zipped(tmp_path / "model", {modelfile.HEADER: json.dumps(header).encode()})
    assert why in refused(MfccLogreg(VOCABULARY).restore, tmp_path / "model")


def test_the_same_array_asked_for_often_is_refused(tmp_path: Path) -> None:
    honest, path = MfccLogreg(VOCABULARY), tmp_path / "model"
    honest.fit(TRAIN)
    honest.save(path)
    with zipfile.ZipFile(path) as made:
        members = {name: made.read(name) for name in made.namelist()}
    schema = json.loads(members["schema.json"])
    array = {**schema["content"]["cmvn"], "file": "big.npy"}
    schema["content"]["more"] = {
        "__class__": "list", "__module__": "builtins", "__loader__": "ListNode", "__id__": 1,
        "content": [array | {"__id__": 10**6 + number} for number in range(10_000)],
    }  # fmt: skip
    zipped(path, members | {"schema.json": json.dumps(schema).encode(), "big.npy": npy(np.zeros(2_500_000))})
    assert "asks for" in refused(MfccLogreg(VOCABULARY).restore, path)


def test_an_object_that_stands_for_others_is_refused(tmp_path: Path) -> None:
    """Ten lists, each ten times the one before, would be ten thousand million numbers."""
    honest, path = MfccLogreg(VOCABULARY), tmp_path / "model"
    honest.fit(TRAIN)
    honest.save(path)
    with zipfile.ZipFile(path) as made:
        members = {name: made.read(name) for name in made.namelist()}
    schema = json.loads(members["schema.json"])
    kind = {"__class__": "list", "__module__": "builtins", "__loader__": "ListNode"}
    nested: dict[str, object] = schema["content"]["temperature"]
    for level in range(10):
        again = {**kind, "__id__": level, "content": []}
        nested = {**kind, "__id__": level + 1, "content": [nested, *[again] * 9]}
    schema["content"]["chosen_on"] = nested
    zipped(path, members | {"schema.json": json.dumps(schema).encode()})
    assert "two objects of one number" in refused(MfccLogreg(VOCABULARY).restore, path)


def test_what_is_unpacked_is_bounded_by_the_file() -> None:
    assert archive.SPARE + archive.RATIO * 5_000_000 < 500_000_000, "5 MB may take half a GB"
    assert archive.UNPACKED >= 2_000_000_000, "forests of hundreds of MB are read"


def test_what_numpy_saves_is_a_file_of_another_format(tmp_path: Path) -> None:
    np.savez(tmp_path / "model.npz", known=np.zeros(3))
    assert modelfile.find_header(tmp_path / "model.npz") is None

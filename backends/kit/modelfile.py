"""Model files: one zip that skops reads, with a JSON header saying whose model it is.

Nothing in a file is trusted: it is read under the bounds of :mod:`backends.kit.archive`. Before skops sees it, every
node of its schema must be of a type that the reader names; skops builds objects of those types from arrays and JSON
alone, so no code from the file is ever run.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from backends import Spec, registered
from backends.base import Backend, BackendError
from backends.kit import archive, options

FORMAT = 1
HEADER = "digitbench.json"
HEADER_BYTES, JSON_BYTES, SCHEMA_BYTES = 1_000_000, 4_000_000, 16_000_000
"""The most that a header, a model that is nothing but JSON, and the schema of skops may take."""
LABELS, NAME = 10_000, 100
"""The most labels of a model, and characters of a backend's name."""
PLAIN_TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.tuple",
        "builtins.str",
        "numpy.ndarray",
        "numpy.float64",
        "numpy.int64",
    }
)
_PLAIN_VARIANT = re.compile(r"[\w.-]*")
"""Not a repository of somebody's, OWNER/NAME, whose weights would be fetched."""
_SCHEMA = "schema.json"
_LOADERS = frozenset(
    {"DictNode", "ListNode", "TupleNode", "JsonNode", "TypeNode", "NdArrayNode", "ObjectNode", "TreeNode"}
)


@dataclass(frozen=True, slots=True)
class Header:
    """Which backend to make before its ``restore`` can read the file."""

    backend: str
    vocabulary: Mapping[str, list[str]]
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Keyword arguments of the backend's class."""
    variant: str = ""


def read_header(path: Path) -> Header:
    """The header of a model file. Raises BackendError if there is none, or one that is not sound."""
    header = find_header(path)
    if header is None:
        raise BackendError(f"{path}: not a digitbench model file (it has no header)")
    return header


def find_header(path: Path) -> Header | None:
    """The header of a zip, or of a file that is nothing but JSON; None if it has none, being of another format.

    Raises BackendError for a file that cannot be read, or a header that is not sound.
    """
    with archive.regular(path) as file:
        try:
            content = _header_content(file)
            return None if content is None else _header(content)
        except Exception as error:  # a broken file makes zipfile, zlib and json raise what they like
            raise BackendError(f"{path}: not a digitbench model file ({why(error)})") from error


def read_json(path: Path) -> dict[str, Any]:
    """A model file that is nothing but JSON, header included. Raises BackendError if it is not."""
    with archive.regular(path) as file:
        try:
            if (size := archive.size(file)) > JSON_BYTES:
                raise ValueError(f"{size} bytes, more than {JSON_BYTES}")
            content = archive.read_json(file.read(JSON_BYTES))
        except Exception as error:
            raise BackendError(f"{path}: not a sound model file ({why(error)})") from error
    if not isinstance(content, dict):
        raise BackendError(f"{path}: not a sound model file (it holds a {type(content).__name__})")
    return content


def _header_content(file: BinaryIO) -> object:
    if archive.is_zip(file):
        members = archive.Archive(file)
        return archive.read_json(members.read(HEADER, HEADER_BYTES)) if HEADER in members.names else None
    if file.read(1) != b"{" or (size := archive.size(file)) > JSON_BYTES:
        return None
    file.seek(0)
    content = archive.read_json(file.read(size))
    return content if {"format", "backend"} <= set(content) else None


def _header(content: object) -> Header:
    """Raises ValueError unless every field is of its type."""
    if not isinstance(content, dict):
        raise ValueError(f"its header is a {type(content).__name__}")
    if missing := [name for name in ("format", "backend", "vocabulary", "options", "variant") if name not in content]:
        raise ValueError(f"its header lacks {missing[0]!r}")
    version, backend, variant = content["format"], content["backend"], content["variant"]
    vocabulary, options = content["vocabulary"], content["options"]
    if version != FORMAT or isinstance(version, bool):
        raise ValueError(f"format {str(version)[:20]}, this version reads {FORMAT}")
    if not all(isinstance(name, str) and len(name) <= NAME and name.isprintable() for name in (backend, variant)):
        raise ValueError("backend and variant must be names")
    if not isinstance(vocabulary, dict) or not 2 <= len(vocabulary) <= LABELS:
        raise ValueError(f"vocabulary must be a table of 2 to {LABELS:,} labels")
    if not all(isinstance(words, list) and all(map(_sayable, words)) for words in vocabulary.values()):
        raise ValueError("every label of the vocabulary needs a list of words")
    if not all(map(_sayable, vocabulary)):
        raise ValueError("a label holds half a character")
    if not isinstance(options, dict) or not all(isinstance(each, str | int | float) for each in options.values()):
        raise ValueError("options must be a table of numbers, texts, true and false")
    return Header(backend, vocabulary, options, variant)


def _sayable(word: object) -> bool:
    return isinstance(word, str) and not any("\ud800" <= character <= "\udfff" for character in word)


def why(error: Exception) -> str:
    """One line of limited length: a file may have written the rest of it."""
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= 300 else f"{line[:300]} ..."


def owner(path: Path, header: Header, asked: Spec | None = None) -> None:
    """Raises BackendError unless a header is that of ``asked``, or else of a registered backend, in all it says.

    Without ``asked``, no header makes anything be imported or fetched that is not registered.
    """
    if asked is None:
        if not _PLAIN_VARIANT.fullmatch(header.variant):
            name = f"{header.backend}:{header.variant}"
            raise BackendError(f"{path}: a model of {name}; use it with --backend {name} if you trust that variant")
        try:
            found = registered(header.backend, header.variant).load()
        except BackendError as error:
            raise BackendError(
                f"{path}: {error}; if it is a class of your own, name that yourself: --backend FILE.py:Class"
            ) from error
    else:
        found = asked.load()
    variant = header.variant if asked is None else asked.variant
    if (header.backend, header.variant) != (found.name, variant):
        theirs, ours = (
            ":".join(filter(None, pair)) for pair in ((header.backend, header.variant), (found.name, variant))
        )
        raise BackendError(f"{path}: a model of {theirs}, not of {ours}")
    options.check(str(path), header.options, getattr(found, "saved", {}))


def check_header(path: Path, backend: Backend) -> Header:
    """The header, if the file belongs to ``backend``. Raises BackendError if it is another's, or of other labels."""
    header = read_header(path)
    _check_name(path, (header.backend, header.variant), (backend.name, backend.variant))
    if set(header.vocabulary) != set(backend.labels):
        raise BackendError(f"{path}: a model of the labels {_few(header.vocabulary)}; asked for {_few(backend.labels)}")
    options.check(str(path), header.options, getattr(backend, "saved", {}))
    return header


def _check_name(path: Path, theirs: tuple[str, str], ours: tuple[str, str]) -> None:
    """Each a family and a variant."""
    if theirs != ours:
        other, this = (":".join(filter(None, parts)) for parts in (theirs, ours))
        raise BackendError(f"{path}: a model of {other}, not of {this}")


def _few(labels: Iterable[str]) -> str:
    listed = list(labels)
    return ", ".join(listed[:20]) + (f" and {len(listed) - 20:,} more" if len(listed) > 20 else "")


def header_json(backend: Backend, chosen: Mapping[str, str | int | float | bool]) -> dict[str, Any]:
    """The header's fields, ready for JSON. Raises BackendError if they are more than a header may hold."""
    if len(backend.vocabulary) > LABELS:
        raise BackendError(
            f"{backend.name}: a model file holds at most {LABELS:,} labels, not {len(backend.vocabulary)}"
        )
    vocabulary = {label: list(words) for label, words in backend.vocabulary.items()}
    return {"format": FORMAT, **asdict(Header(backend.name, vocabulary, chosen, backend.variant))}


def write(path: Path, header: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write ``state`` with its header. Raises BackendError if the file cannot be written."""
    import skops.io

    buffer = io.BytesIO()
    skops.io.dump(dict(state), buffer, compression=zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(HEADER, json.dumps(header))
    write_bytes(path, buffer.getvalue())


def write_bytes(path: Path, content: bytes) -> None:
    """Raises BackendError if the file cannot be written."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise BackendError(f"{path}: cannot be written ({error.strerror or error})") from error


def read(path: Path, types: frozenset[str]) -> dict[str, Any]:
    """The state of a model file, made of plain data and ``types`` alone.

    ``types`` are full names such as ``sklearn.svm._classes.SVC``. Raises BackendError for anything else.
    """
    import skops.io

    with archive.regular(path) as file:
        try:
            members = archive.Archive(file)
            schema = members.read(_SCHEMA, SCHEMA_BYTES)
            files = _audited(archive.read_json(schema), PLAIN_TYPES | types)
            if (unpacked := sum(map(members.size, files))) > members.most:
                raise ValueError(f"its schema asks for {unpacked:,} bytes")
            content = _copied(members, schema, files)
            untrusted = skops.io.get_untrusted_types(data=content)
            state = skops.io.load(io.BytesIO(content), trusted=sorted(types.intersection(untrusted)))
        except MemoryError:
            raise
        except Exception as error:  # a broken file makes zipfile, numpy, skops or scikit-learn raise what they like
            raise BackendError(f"{path}: not a sound model file ({why(error)})") from error
    if not isinstance(state, dict):
        raise BackendError(f"{path}: not a sound model file (it holds a {type(state).__name__})")
    return state


def _copied(members: archive.Archive, schema: bytes, files: Iterable[str]) -> bytes:
    """What skops may see: what was asked for alone, of the sizes that were checked, as it would else read at once."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as copy:
        copy.writestr(_SCHEMA, schema)
        for name in dict.fromkeys(files):
            copy.writestr(name, members.array(name))
    return buffer.getvalue()


def _audited(schema: object, types: frozenset[str]) -> list[str]:
    """The files that a schema asks for, once for each asking. Raises ValueError for a type or loader not expected."""
    known: dict[int, object] = {}
    files = []

    def look(node: object) -> None:
        if isinstance(node, dict):
            if "__loader__" in node or "__class__" in node:
                name = f"{node['__module__']}.{node['__class__']}"
                if name not in types or node["__loader__"] not in _LOADERS:
                    raise ValueError(f"it asks for {name} by {node['__loader__']}, which no digitbench model needs")
            # skops takes an object for every other of its number: a few could then make up millions, or hold themselves
            if (number := node.get("__id__")) is not None and not _alike(known.setdefault(number, node), node):
                raise ValueError("two objects of one number")
            if "file" in node:
                files.append(str(node["file"]))
            node = list(node.values())
        if isinstance(node, list):
            for child in node:
                look(child)

    look(schema)
    return files


def _alike(one: object, other: object) -> bool:
    """Whether two parts of a schema are the same but for the numbers of objects."""
    if one is other:
        return True
    if isinstance(one, dict) and isinstance(other, dict):
        names = {*one, *other} - {"__id__"}
        return all(name in one and name in other and _alike(one[name], other[name]) for name in names)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    return type(one) is type(other) and one == other

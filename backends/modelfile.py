"""Model files: one zip that skops reads, with a JSON header saying whose model it is.

Nothing in a file is trusted. Before skops sees it, every node of its schema must be of a type that the reader names;
skops builds objects of those types from arrays and JSON alone, so no code from the file is ever run.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from backends.base import Backend, BackendError

FORMAT = 1
HEADER = "digitbench.json"
HEADER_BYTES = 1_000_000
"""More than any header takes: a larger one would only fill the memory."""
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
    """The header of a model file, or of a file that is nothing but the JSON. Raises BackendError if there is none."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if (size := archive.getinfo(HEADER).file_size) > HEADER_BYTES:
                    raise ValueError(f"a header of {size} bytes")
                content = json.loads(archive.read(HEADER))
        else:
            content = json.loads(path.read_bytes())
        header = Header(*(content[name] for name in ("backend", "vocabulary", "options", "variant")))
        vocabulary = {str(label): [str(word) for word in words] for label, words in header.vocabulary.items()}
        if content["format"] != FORMAT:
            raise ValueError(f"format {content['format']!r}, this version reads {FORMAT}")
        return Header(str(header.backend), vocabulary, dict(header.options), str(header.variant))
    except OSError as error:
        raise BackendError(f"{path}: cannot be read ({error.strerror or error})") from error
    except Exception as error:  # a broken file makes zipfile, zlib and json raise what they like
        raise BackendError(f"{path}: not a digitbench model file ({error or type(error).__name__})") from error


def check_header(path: Path, backend: Backend) -> Header:
    """The header, if the file belongs to ``backend``. Raises BackendError if it is another's, or of other labels."""
    header = read_header(path)
    theirs, ours = (header.backend, header.variant), (backend.name, backend.variant)
    if theirs != ours:
        raise BackendError(
            f"{path}: a model of {':'.join(filter(None, theirs))}, not of {':'.join(filter(None, ours))}"
        )
    if set(header.vocabulary) != set(backend.labels):
        raise BackendError(
            f"{path}: a model of the labels {', '.join(header.vocabulary)}; asked for {', '.join(backend.labels)}"
        )
    return header


def header_json(backend: Backend, options: Mapping[str, str | int | float | bool]) -> dict[str, Any]:
    """The header's fields, ready for JSON."""
    vocabulary = {label: list(words) for label, words in backend.vocabulary.items()}
    return {"format": FORMAT, **asdict(Header(backend.name, vocabulary, options, backend.variant))}


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

    try:
        content = path.read_bytes()
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _audit(json.loads(archive.read("schema.json")), PLAIN_TYPES | types)
        untrusted = skops.io.get_untrusted_types(data=content)
        state = skops.io.load(io.BytesIO(content), trusted=sorted(types.intersection(untrusted)))
    except Exception as error:  # a broken file makes zipfile, json, numpy, skops or scikit-learn raise what they like
        raise BackendError(f"{path}: not a sound model file ({error or type(error).__name__})") from error
    if not isinstance(state, dict):
        raise BackendError(f"{path}: not a sound model file (it holds a {type(state).__name__})")
    return state


def _audit(node: object, types: frozenset[str]) -> None:
    if isinstance(node, dict):
        if "__loader__" in node or "__class__" in node:
            name = f"{node['__module__']}.{node['__class__']}"
            if name not in types or node["__loader__"] not in _LOADERS:
                raise ValueError(f"it asks for {name} by {node['__loader__']}, which no digitbench model needs")
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            _audit(child, types)


def sound(classifier: Any, classes: int, features: int) -> bool:
    """Whether the arrays of a scikit-learn classifier from a file fit together: its compiled code does not look.

    Knows SVC, LogisticRegression and RandomForestClassifier.
    """
    kind = type(classifier).__name__
    if kind == "SVC":
        return _sound_svc(classifier, classes, features)
    if kind == "RandomForestClassifier":
        return all(
            type(tree).__name__ == "DecisionTreeClassifier" and _sound_tree(tree.tree_, classes, features)
            for tree in classifier.estimators_
        )
    rows = classes if classes > 2 else 1
    return bool(classifier.coef_.shape == (rows, features) and classifier.intercept_.shape == (rows,))


def _sound_svc(svc: Any, classes: int, features: int) -> bool:
    vectors, counts = len(svc.support_vectors_), svc._n_support
    return bool(
        svc.kernel == "rbf"
        and not svc._sparse
        and svc.support_vectors_.shape == (vectors, features)
        and svc.support_.shape == (vectors,)
        and counts.shape == (classes,)
        and (counts >= 0).all()
        and counts.sum() == vectors
        and svc._dual_coef_.shape == svc.dual_coef_.shape == (classes - 1, vectors)
        and svc._intercept_.shape == svc.intercept_.shape == (classes * (classes - 1) // 2,)
        and svc._probA.size == svc._probB.size == 0
    )


def _sound_tree(tree: Any, classes: int, features: int) -> bool:
    left, right, used = tree.children_left, tree.children_right, tree.feature
    inner, nodes = left != -1, np.arange(tree.node_count)
    children = np.stack([left[inner], right[inner]])
    return bool(
        tree.n_features == features
        and tree.value.shape == (tree.node_count, 1, classes)
        # a child comes after its parent, so that every walk ends
        and (children > nodes[inner]).all()
        and (children < tree.node_count).all()
        and (used[inner] >= 0).all()
        and (used[inner] < features).all()
    )

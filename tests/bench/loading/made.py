"""A run of loaders whose figures are known: librosa takes 8, 9, 10 ms, soundfile half, audiodecode a quarter."""

from __future__ import annotations

from typing import Any

import pandas as pd

from bench.loading.loaders import OURS, REFERENCE
from bench.loading.report import Loaded

FACTORS = {REFERENCE: 1.0, "soundfile": 0.5, OURS: 0.25}


def row(task: str, loader: str, kind: str, length: float, turn: int, seconds: float, **more: Any) -> dict[str, Any]:
    known = {"task": task, "loader": loader, "format": kind, "length_s": length, "round": turn}
    return {**known, "wall_s": 2 * seconds, "cpu_s": seconds, "peak_bytes": None, "error": "", **more}


def agreed(task: str, loader: str, kind: str, length: float, **more: Any) -> dict[str, Any]:
    return {
        "loader": loader, "format": kind, "length_s": length, "task": task, "error": "", "samples": 100, "longer": 0,
        "largest": 0.0, "equal": True, "value": length if task == "duration" else None, "too_long": 0, **more,
    }  # fmt: skip


def run() -> Loaded:
    """Three loaders, two formats, two lengths, three rounds; Opus differs by rounding, M4A librosa cannot read."""
    samples, agreement = [], []
    for loader, factor in FACTORS.items():
        for turn in range(3):
            base = factor * (8 + turn) / 1000
            for kind in ("WAV16", "MP3"):
                for length in (0.5, 5.0):
                    for task in ("whole", "slice", "resampled", "duration"):
                        samples += [row(task, loader, kind, length, turn, base * extra) for extra in (1, 1.5)]
                samples += [row("cold", loader, kind, 5.0, turn, 100 * base, peak_bytes=5e7)]
                samples += [row("memory", loader, kind, 5.0, 0, base, peak_bytes=9e7)]
            samples += [row("first", loader, "WAV16", 5.0, turn, 1000 * base)]
            samples += [row("files", loader, "WAV16", 0.0, turn, 10 * base)]
            samples += [row("evicted", loader, "WAV16", 5.0, turn, base)]
        for kind in ("WAV16", "MP3"):
            agreement += [
                agreed(task, loader, kind, length) for task in ("whole", "slice", "duration") for length in (0.5, 5.0)
            ]
    for way, factor in (("librosa.load, one after another", 1.0), ("audiodecode.load_many", 0.5)):
        samples += [row("many", way, "MP3", 10.0, turn, factor * (1 + turn)) for turn in range(3)]
    samples += [row("whole", "soundfile", "M4A", 5.0, 0, 0, wall_s=None, cpu_s=None, error="cannot | be read")]
    agreement += [agreed("whole", OURS, "Opus", 5.0, equal=False, largest=1.8e-7)]
    agreement += [agreed("whole", "soundfile", "M4A", 5.0, error="cannot | be read", equal=None, too_long=None)]
    agreement += [agreed("whole", OURS, "M4A", 5.0, equal=None, longer=None, largest=None)]
    bad = [
        {"loader": loader, "file": file, "outcome": what}
        for loader in FACTORS
        for file, what in (("WAV cut", "60 % of it, silently"), ("no sound", "refused: ValueError: not | audio"))
    ]
    plan = {"lengths": [0.5, 5.0], "rounds": 3, "many": 10, "workers": 2}
    info = {
        "command": "digitbench loaders", "plan": plan, "missing": {"PyAV": "no module named av"}, "voice": "nobody",
        "short": "FSDD", "short_count": 10, "packages": {"librosa": "0.11.0"}, "others": {"busy": False},
        "machine": {"cpu": "a processor", "cores": 2, "python": "3.11"}, "git": {"commit": "0" * 40, "dirty": False},
    }  # fmt: skip
    return Loaded(info, pd.DataFrame(samples), pd.DataFrame(agreement), pd.DataFrame(bad))

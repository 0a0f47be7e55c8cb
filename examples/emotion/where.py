"""Where the time goes: a profile, its functions gathered into stages that do not overlap."""

from __future__ import annotations

import cProfile
import pstats
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

LONGEST, READING = "pass for the longest file", "reading"
OTHER = "means, powers, the rest"
STAGES: Mapping[str, tuple[str, ...]] = MappingProxyType({
    LONGEST: ("emotion/plain:longest",),
    READING: ("emotion/files:_load",),
    "spectrograms": ("librosa/core/spectrum:_spectrogram", "librosa/core/spectrum:stft", "emotion/close:magnitudes"),
    "filter banks": ("librosa/filters:mel", "librosa/filters:chroma"),
    "peaks, pitch, tuning": (
        "librosa/core/pitch:piptrack", "librosa/core/pitch:pitch_tuning", "librosa/core/pitch:estimate_tuning",
        "emotion/peaks:peaks_of", "emotion/peaks:within", "emotion/peaks:row", "emotion/peaks:tuning",
    ),
    "centroid": ("librosa/feature/spectral:spectral_centroid", "emotion/close:centroid"),
    "flatness": ("librosa/feature/spectral:spectral_flatness",),
    "mel and MFCC": ("librosa/feature/spectral:melspectrogram", "librosa/feature/spectral:mfcc"),
    "chroma": ("librosa/feature/spectral:chroma_stft",),
    "contrast": ("librosa/feature/spectral:spectral_contrast", "emotion/close:contrast"),
    "zero crossings": ("librosa/feature/spectral:zero_crossing_rate", "emotion/peaks:crossings"),
    "phase": ("librosa/core/spectrum:magphase",),
})  # fmt: skip
"""Functions, module and name. One that calls another of them directly is charged without it."""


def where(do: Callable[[], Any]) -> dict[str, float]:
    """Processor seconds by stage of what ``do`` does, with the profiler's own time; nothing is counted twice."""
    profiler = cProfile.Profile(time.process_time)
    profiler.runcall(do)
    stats: Mapping[Any, Any] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    stage_of = {name: stage for stage, names in STAGES.items() for name in names}
    known = {function: stage for function in stats if (stage := stage_of.get(_name(function)))}
    seconds = dict.fromkeys((*STAGES, OTHER), 0.0)
    for function, stage in known.items():
        *_, cumulative, callers = stats[function]
        seconds[stage] += cumulative
        for caller, times in callers.items():
            if caller in known:
                seconds[known[caller]] -= times[3]
    whole = max(cumulative for *_, cumulative, _ in stats.values())
    seconds[OTHER] = whole - sum(seconds.values())
    return seconds


def _name(function: tuple[str, int, str]) -> str:
    """``librosa/filters:mel`` of a profiler's (file, line, name)."""
    path = Path(function[0]).with_suffix("").as_posix()
    package = next((name for name in ("/librosa/", "/emotion/") if name in path), "")
    return f"{package.strip('/')}/{path.rpartition(package)[2]}:{function[2]}" if package else ""

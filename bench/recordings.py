"""Sounds for a report: the recordings that a run heard, under its conditions, as MP3."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from audiodecode.limits import UNLIMITED
from bench.audio import fingerprint, read
from bench.clips import Clip, Clips
from bench.conditions import apply, parse
from bench.errors import BenchError
from bench.names import CLEAN
from bench.phases.render import resources
from bench.records.schema import Run
from bench.splits import TEST
from sound.resample import resample

Samples = NDArray[np.float32]
_MP3_RATES: Final = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_COMPRESSION: Final = 0.5


def sounds(run: Run, clips: Clips) -> Callable[[str, str], bytes | None]:
    """Clip id and condition -> what a backend heard, made anew as it was; None where that cannot be had."""
    by_id = {clip.id: clip for clip in clips.all()}
    config = run.info["config"]
    tested = run.splits[run.splits["part"] == TEST]["clip"]
    test_clips = clips.only(np.flatnonzero(clips.table["clip"].isin(tested))) if config.get("train") else clips
    drawn_on = resources(config.get("conditions", ()), test_clips)
    seed = int(config["seed"])

    def sound(clip: str, condition: str) -> bytes | None:
        try:
            samples, rate = _recording(by_id[clip])
            if condition != CLEAN:
                speaker = by_id[clip].speaker
                samples, rate = apply(
                    parse(condition), samples, rate, clip=clip, speaker=speaker, seed=seed, resources=drawn_on
                )
        except (BenchError, KeyError):
            return None
        return encode(samples, rate)

    return sound


def encode(samples: Samples, rate: int) -> bytes:
    """MP3, mono, at the nearest rate the format has that is not lower.

    Every browser plays it, and it holds nothing random: an Ogg stream has a serial number drawn by chance.
    """
    target = next((each for each in _MP3_RATES if each >= rate), _MP3_RATES[-1])
    buffer = io.BytesIO()
    clipped = np.clip(resample(samples, rate, target), -1, 1)
    soundfile.write(buffer, clipped, target, format="MP3", subtype="MPEG_LAYER_III", compression_level=_COMPRESSION)
    return buffer.getvalue()


def _recording(clip: Clip) -> tuple[Samples, int]:
    """Raises BenchError where the file holds another recording than the one that was heard."""
    samples, rate = read(Path(clip.path), UNLIMITED)
    if fingerprint(samples, rate) != clip.sha256:
        raise BenchError(f"{clip.path}: not the recording that was heard")
    return samples, rate

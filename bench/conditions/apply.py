"""A condition carried out on one clip."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from bench.audio import Audio
from bench.conditions import channel
from bench.conditions.framing import framed, live_cut
from bench.conditions.noise import mix, noise_like
from bench.conditions.resources import Resources
from bench.conditions.reverb import ROOMS, reverberate, simulate
from bench.conditions.spec import CLEAN, Condition
from bench.errors import BenchError
from sound import tempo
from sound.activity import RATE
from sound.level import limited
from sound.resample import resample

METHOD = 1
"""Which version of what this module itself does: how its parts are called, what follows from the seed. Raise it with
any change that could change a sample: records of conditions that another method made are made anew."""


def apply(
    condition: Condition,
    audio: Audio,
    rate: int,
    *,
    clip: str,
    speaker: str | None = None,
    seed: int = 0,
    resources: Resources | None = None,
) -> tuple[Audio, int]:
    """The clip under the condition, and its rate, which only ``rate`` and ``live`` change; float32 within [-1, 1].

    ``clean`` is the same array. What is random follows from seed, clip and kind of condition alone, not from its
    strength: at 0 and at 10 dB a clip meets the same noise. Raises BenchError for a file that cannot be found or
    read, and a package that is not installed.
    """
    if condition == CLEAN:
        return audio, rate
    if not len(audio):
        raise BenchError(f"clip {clip}: no samples")
    try:
        changed, new_rate = _apply(condition, limited(audio), rate, clip, speaker, seed, resources or Resources())
    except ModuleNotFoundError as error:
        raise BenchError(f"condition {condition} needs {error.name}: pip install 'digitbench[conditions]'") from error
    except BenchError as error:
        raise BenchError(f"condition {condition}: {error}") from error
    return np.ascontiguousarray(changed, dtype=np.float32), new_rate


def generator(seed: int, clip: str, condition: Condition) -> np.random.Generator:
    """What is random about a clip under conditions of one kind and name."""
    text = json.dumps([seed, clip, condition.kind, condition.name.lower()])
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))


def _apply(
    condition: Condition, audio: Audio, rate: int, clip: str, speaker: str | None, seed: int, resources: Resources
) -> tuple[Audio, int]:
    rng = generator(seed, clip, condition)
    match condition.kind:
        case "noise":
            noise = noise_like(condition.name, len(audio), rate, speaker, resources, rng)
            return mix(audio, noise, condition.value, rate), rate
        case "room":
            key = ("room", condition.value, rate, int(rng.integers(ROOMS)), seed)
            if key not in resources.kept:
                resources.kept[key] = simulate(*key[1:])
            return reverberate(audio, resources.kept[key], rate), rate
        case "reverb":
            response = resources.recording(resources.rir_file(condition.name), rate)
            return reverberate(audio, response, rate), rate
        case "telephone":
            return channel.telephone(audio, rate), rate
        case "mulaw":
            return channel.mulaw(audio, rate), rate
        case "mp3":
            return channel.mp3(audio, rate, condition.value), rate
        case "opus":
            return channel.opus(audio, rate, condition.value), rate
        case "gain":
            return channel.gain(audio, condition.value), rate
        case "speed":
            return tempo.change_speed(audio, rate, condition.value), rate
        case "pitch":
            return tempo.change_pitch(audio, rate, condition.value), rate
        case "silence":
            return channel.silence(audio, rate, *condition.values), rate
        case "framed":
            return framed(audio, rate, condition.value / 1000, condition.value / 1000, rng), rate
        case "live":
            return live_cut(audio, rate, rng, resources), RATE
        case "drop":
            return channel.drop(audio, rate, condition.value / 100, rng), rate
        case "rate":
            return limited(resample(audio, rate, int(condition.value))), int(condition.value)
    raise AssertionError(condition)

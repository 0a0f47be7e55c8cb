"""Copies of training clips: what a ``+noise`` or ``+framed`` backend learns from, besides the clips themselves."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from bench.audio import Audio
from bench.conditions.framing import framed
from bench.conditions.noise import coloured, mix
from bench.names import FRAMED, NOISE

COPIES = 2
"""Of every training clip, of each kind that is wanted."""
SLOPES = (-1.0, 2.0)
SNR_DB = (0.0, 20.0)
SWELL_HZ = (1.0, 8.0)
SWELL_DB = 15.0
ROOM_S = (0.0, 0.4)
"""Of the room on each side: from what live use may cut away to twice what it hands over."""


def noisy_copy(audio: Audio, rate: int, clip: str, copy: int, seed: int) -> Audio:
    """One clip in noise that follows from seed, clip id and the number of the copy; as long as before.

    No recording and no babble is used, so that these stay noises never heard in training: the noise is Gaussian, its
    spectral slope drawn anew (power f**1 to f**-2, so white and pink are among its kinds, in other samples than those
    of test clips), half of it rising and falling by up to 15 dB at 1-8 Hz, at 0-20 dB SNR.
    """
    rng = _generator("training", seed, clip, copy)
    noise = coloured(len(audio), rate, rng.uniform(*SLOPES), rng)
    depth, speed, phase = rng.uniform(0, SWELL_DB), rng.uniform(*SWELL_HZ), rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.5:
        noise = noise * 10 ** (depth / 20 * np.sin(2 * np.pi * speed * np.arange(len(audio)) / rate + phase))
    return mix(audio, noise, rng.uniform(*SNR_DB), rate)


def framed_copy(audio: Audio, rate: int, clip: str, copy: int, seed: int) -> Audio:
    """One clip with the room around it (:func:`bench.conditions.framing.framed`), each side of another length, that
    follow from seed, clip id and the number of the copy."""
    rng = _generator("framed", seed, clip, copy)
    before_s, after_s = rng.uniform(*ROOM_S, 2)
    return framed(audio, rate, before_s, after_s, rng)


def _generator(*parts: str | int) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.sha256(json.dumps(parts).encode()).digest()[:16], "big"))


MAKERS: Mapping[str, Callable[[Audio, int, str, int, int], Audio]] = MappingProxyType(
    {NOISE: noisy_copy, FRAMED: framed_copy}
)
"""By modifier: samples, rate, clip id, number of the copy, seed -> the copy."""

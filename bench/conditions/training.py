"""Noisy copies of training clips: what a ``+noise`` backend learns from, besides the clips themselves."""

from __future__ import annotations

import hashlib
import json

import numpy as np

from bench.audio import Audio
from bench.conditions.noise import coloured, mix

COPIES = 2
"""Noisy copies of every training clip."""
SLOPES = (-1.0, 2.0)
SNR_DB = (0.0, 20.0)
SWELL_HZ = (1.0, 8.0)
SWELL_DB = 15.0


def noisy_copy(audio: Audio, rate: int, clip: str, copy: int, seed: int) -> Audio:
    """One clip in noise that follows from seed, clip id and the number of the copy; as long as before.

    No recording and no babble is used, so that these stay noises never heard in training: the noise is Gaussian, its
    spectral slope drawn anew (power f**1 to f**-2, so white and pink are among its kinds, in other samples than those
    of test clips), half of it rising and falling by up to 15 dB at 1-8 Hz, at 0-20 dB SNR.
    """
    text = json.dumps(["training", seed, clip, copy])
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big"))
    noise = coloured(len(audio), rate, rng.uniform(*SLOPES), rng)
    depth, speed, phase = rng.uniform(0, SWELL_DB), rng.uniform(*SWELL_HZ), rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.5:
        noise = noise * 10 ** (depth / 20 * np.sin(2 * np.pi * speed * np.arange(len(audio)) / rate + phase))
    return mix(audio, noise, rng.uniform(*SNR_DB), rate)

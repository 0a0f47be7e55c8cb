"""Noisy copies of training clips: what a trained backend may learn noise from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backends.base import Clip
from bench.audio import Audio
from bench.conditions.noise import coloured, mix

SLOPES = (-1.0, 2.0)
SNR_DB = (0.0, 20.0)
SWELL_HZ = (1.0, 8.0)
SWELL_DB = 15.0
TRAINING = 0x7472  # sets these draws apart from those of test clips, which start from a hash


def augment(clips: Sequence[Clip], rate: int, copies: int, seed: int) -> list[Clip]:
    """The clips, followed by ``copies`` noisy versions of each; labels and speakers are kept.

    No recording and no babble is used, so that these stay noises never heard in training: the noise is Gaussian, its
    spectral slope drawn anew per copy (power f**1 to f**-2, so white and pink are among its kinds, in other samples),
    half of it rising and falling by up to 15 dB at 1-8 Hz, at 0-20 dB SNR.
    """
    noisy = [
        Clip(
            noisy_copy(clip.audio, rate, np.random.default_rng([TRAINING, seed, number, copy])),
            clip.label,
            clip.speaker,
        )
        for copy in range(copies)
        for number, clip in enumerate(clips)
    ]
    return [*clips, *noisy]


def noisy_copy(audio: Audio, rate: int, rng: np.random.Generator) -> Audio:
    """One clip in noise of a random kind and SNR."""
    noise = coloured(len(audio), rate, rng.uniform(*SLOPES), rng)
    depth, speed, phase = rng.uniform(0, SWELL_DB), rng.uniform(*SWELL_HZ), rng.uniform(0, 2 * np.pi)
    if rng.random() < 0.5:
        noise = noise * 10 ** (depth / 20 * np.sin(2 * np.pi * speed * np.arange(len(audio)) / rate + phase))
    return mix(audio, noise, rng.uniform(*SNR_DB), rate)

"""Another recording of a training clip: another voice, silence around the word, background noise.

A voice is the clip resampled, so that pitch, formants and pace move together.
"""

from __future__ import annotations

import numpy as np

from backends.augment import below, noise
from backends.base import Audio

VOICES = (0.85, 1.3)
"""Frequencies of the other voice over those of the clip: from deeper to a child's."""
SILENCE_S = 0.4
"""Longest on either side."""
SNR_DB = (10.0, 40.0)
"""Ratio of the word's mean power to that of the noise."""


def other_recording(audio: Audio, rate: int, generator: np.random.Generator) -> Audio:
    """A copy of the clip, of another length. ``rate`` in Hz."""
    word = _voice(audio, rate, generator)
    before, after = (generator.integers(0, round(SILENCE_S * rate), endpoint=True) for _ in range(2))
    heard = np.pad(word, (before, after))
    louder = np.sqrt(heard.size / word.size)  # the noise is measured against the word, not the silence around it
    return heard + np.float32(louder) * below(heard, noise(heard.size, rate, generator), generator.uniform(*SNR_DB))


def _voice(audio: Audio, rate: int, generator: np.random.Generator) -> Audio:
    import soxr

    voice: Audio = soxr.resample(audio, rate, round(rate / generator.uniform(*VOICES)))
    return voice if voice.size else audio

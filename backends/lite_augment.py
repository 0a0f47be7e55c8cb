"""Other voices, rooms and ways of cutting, made from training clips alone.

Each copy of a clip is heard with another vocal tract (VTLP, Jaitly and Hinton 2013; from longer than a man's to a
child's), in noise of another colour and level, with its ends elsewhere; half of the copies lie in silence, and their
ends are found as in a clip never seen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backends.base import Audio
from backends.lite_features import SAMPLE_RATE, Array, FrontEnd, emphasise, filterbank, span

WARPS = (0.84, 0.89, 0.94, 1.0, 1.06, 1.12, 1.19, 1.26, 1.34)
"""Others over one's own vocal tract length, as frequency ratios."""
SNR_DB = (5.0, 40.0)
SILENCE_S = 0.4
SHIFT = 0.08
"""How far an end moves at most, as a share of the word."""


class Augmenter:
    """Makes copies of clips; the generator decides which."""

    def __init__(self, front_end: FrontEnd) -> None:
        self._front_end = front_end
        self._banks = [filterbank(warp) for warp in WARPS]

    def copy(self, audio: Audio, generator: np.random.Generator) -> Array:
        """A picture of one altered copy, shape (32, 24)."""
        heard = np.concatenate([_silence(generator), audio, _silence(generator)]) if generator.random() < 0.5 else audio
        signal = emphasise(np.asarray(heard + _noise(audio, len(heard), generator), np.float32))
        first, last = span(signal)
        reach = SHIFT * (last - first)
        first = max(0, first + round(generator.uniform(-reach, reach)))
        last = min(signal.size - 1, last + round(generator.uniform(-reach, reach)))
        bank = self._banks[generator.integers(len(self._banks))]
        return self._front_end.between(signal, (min(first, last), last), bank)


def _silence(generator: np.random.Generator) -> Audio:
    return np.zeros(generator.integers(0, round(SILENCE_S * SAMPLE_RATE)), np.float32)


def _noise(audio: Audio, samples: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Gaussian noise between brown and blue, at a random ratio below the clip's mean power."""
    noise = generator.standard_normal(samples, np.float32)
    colour = np.float32(generator.uniform(-0.9, 0.5))
    noise[1:] -= colour * noise[:-1]
    ratio = 10 ** (-generator.uniform(*SNR_DB) / 20)
    level = np.sqrt(np.mean(audio**2, dtype=np.float64) / max(float(np.mean(noise**2)), 1e-20))
    return np.asarray(noise * np.float32(ratio * level), np.float32)

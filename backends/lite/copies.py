"""Other voices, rooms, noises and ways of speaking and cutting, made from training clips alone.

Two kinds of copies. An altered one is heard with another vocal tract (VTLP, Jaitly and Hinton 2013; from longer than a
man's to a child's), at a pace that varies within the word (as SpecAugment's time warp, Park et al. 2019), in noise,
with its ends elsewhere; half of them lie in silence, and their ends are found as in a clip never seen. A noisy one is
altered in nothing else: its noise is louder and may swell, and its ends are found in it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backends.augment import below, noise
from backends.base import Audio
from backends.lite.features import (
    FRAMES,
    SAMPLE_RATE,
    Array,
    FrontEnd,
    Samples,
    Span,
    centres,
    emphasise,
    filterbank,
    span,
)

WARPS = (0.84, 0.89, 0.94, 1.0, 1.06, 1.12, 1.19, 1.26, 1.34)
"""Others over one's own vocal tract length, as frequency ratios."""
PACES, PACE_DEVIATION = 5, 0.5
"""Points of a word at which its pace is drawn, and the standard deviation of its natural logarithm."""
SILENCE_S = 0.4
SHIFT = 0.08
"""How far an end moves at most, as a share of the word."""
QUIET_SNR_DB, LOUD_SNR_DB = (5.0, 40.0), (0.0, 20.0)


class Augmenter:
    """Makes copies of clips; the generator decides which."""

    def __init__(self, front_end: FrontEnd) -> None:
        self._front_end = front_end
        self._bank = filterbank()
        self._banks = [filterbank(warp) for warp in WARPS]

    def altered(self, audio: Audio, generator: np.random.Generator) -> Array:
        """A picture of an altered copy, shape (32, 24)."""
        heard = np.concatenate([_silence(generator), audio, _silence(generator)]) if generator.random() < 0.5 else audio
        signal = emphasise(np.asarray(heard + _quiet_noise(audio, len(heard), generator), np.float32))
        at = _uneven(_moved(span(signal), signal.size, generator), generator)
        return self._front_end.frames(signal, at, self._banks[generator.integers(len(self._banks))])

    def noisy(self, audio: Audio, generator: np.random.Generator) -> Array:
        """A picture of a noisy copy, shape (32, 24)."""
        signal = emphasise(np.asarray(audio + _loud_noise(audio, generator), np.float32))
        return self._front_end.frames(signal, centres(span(signal)), self._bank)


def _silence(generator: np.random.Generator) -> Audio:
    return np.zeros(generator.integers(0, round(SILENCE_S * SAMPLE_RATE)), np.float32)


def _moved(ends: Span, samples: int, generator: np.random.Generator) -> Span:
    first, last = ends
    reach = SHIFT * (last - first)
    first = max(0, first + round(generator.uniform(-reach, reach)))
    last = min(samples - 1, last + round(generator.uniform(-reach, reach)))
    return min(first, last), last


def _uneven(ends: Span, generator: np.random.Generator) -> Samples:
    """Frames from end to end, as ``centres``, whose steps grow and shrink along the word."""
    logs = PACE_DEVIATION * generator.standard_normal(PACES)
    steps = np.interp(np.linspace(0, 1, FRAMES - 1), np.linspace(0, 1, PACES), np.exp(logs))
    passed = np.concatenate([[0], np.cumsum(steps)])
    first, last = ends
    return np.asarray(first + np.floor(passed / passed[-1] * (last - first)), np.intp)


def _quiet_noise(audio: Audio, samples: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """Gaussian noise between brown and blue, at a random ratio below the clip's mean power."""
    quiet = generator.standard_normal(samples, np.float32)
    colour = np.float32(generator.uniform(-0.9, 0.5))
    quiet[1:] -= colour * quiet[:-1]
    return below(audio, quiet, generator.uniform(*QUIET_SNR_DB))


def _loud_noise(audio: Audio, generator: np.random.Generator) -> NDArray[np.float32]:
    return below(audio, noise(audio.size, SAMPLE_RATE, generator), generator.uniform(*LOUD_SNR_DB))

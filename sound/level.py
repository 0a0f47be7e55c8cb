"""How loud speech is: the active speech level, in dB relative to full scale (a constant 1.0 is 0 dB)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sound import Audio

TIME_CONSTANT_S = 0.03
HANGOVER_S = 0.2
MARGIN_DB = 15.9

Samples = NDArray[np.float64]


def active_level(audio: Audio, rate: int) -> float:
    """Active speech level after ITU-T P.56 (12/2011), method B; -inf for digital silence.

    The envelope is smoothed twice (30 ms); a sample is active where the envelope is, or within the last 200 ms was,
    above a threshold; the level is the energy over the active time, with the threshold 15.9 dB below that level. Two
    departures, for words of half a second: the 200 ms do not run on after the last word, and the threshold is solved
    for where the standard interpolates between steps of 6 dB, so that gain shifts the level exactly. A clip too short
    for any such threshold (a few ms) counts as active throughout.
    """
    samples = audio.astype(np.float64)
    peak = float(np.abs(samples).max(initial=0.0))
    if peak == 0:
        return -np.inf
    samples /= peak
    energy = float(np.dot(samples, samples))
    held = np.sort(_held(samples, rate))[::-1]
    active = np.arange(1, len(held) + 1)
    # held[k] as a threshold makes k + 1 samples active. The lowest threshold within the margin decides, as in G.191.
    within = np.flatnonzero(energy <= active * held**2 * 10 ** (MARGIN_DB / 10))
    count = within[-1] + 1 if len(within) else len(held)
    return 10 * float(np.log10(energy / count)) + 20 * float(np.log10(peak))


def rms_level(audio: Audio) -> float:
    """Root mean square over all samples; -inf for digital silence."""
    power = float(np.mean(np.square(audio, dtype=np.float64)))
    return 10 * float(np.log10(power)) if power else -np.inf


def limited(audio: NDArray[np.floating]) -> Audio:
    """float32 within [-1, 1]: as a whole scaled down where it would clip."""
    peak = float(np.abs(audio).max(initial=0.0))
    return (audio / peak if peak > 1 else audio).astype(np.float32)


def _held(samples: Samples, rate: int) -> Samples:
    """The envelope with its hangover: above a threshold exactly where a sample is active."""
    from scipy.ndimage import maximum_filter1d
    from scipy.signal import lfilter

    smooth = np.exp(-1 / (rate * TIME_CONSTANT_S))
    envelope = np.abs(samples)
    for _ in range(2):
        envelope = lfilter([1 - smooth], [1, -smooth], envelope)
    half = round(HANGOVER_S * rate / 2)
    before = maximum_filter1d(np.pad(envelope, (half, 0)), 2 * half + 1, mode="constant")[: len(envelope)]
    after = np.maximum.accumulate(envelope[::-1])[::-1]
    held: Samples = np.minimum(before, after)
    return held

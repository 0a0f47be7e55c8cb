"""From features and the score of a speech detector to labels, complexity and importance of every hop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sound.activity import HOP, RATE
from sound.content.features import Features, Values

LABELS = ("silence", "noise", "speech")
SILENCE, NOISE, SPOKEN = range(3)

LOUD_SHARE, LOUD_S = 0.95, 30.0
BELOW_LOUD_DB = 42.0
SILENT_DB = (-75.0, -55.0)
"""The level of silence follows the recording's, within these."""
SLOPE_DB = 3.0
CHANGE_S = 0.096
"""Change counts over this time, about that of the 80 ms of cochlea-scaled entropy."""
USUAL_CHANGE_DB = 6.0
"""Change of which complexity is 1 - 1/e: about the median of speech."""
SPEAKING_S = 0.16
"""Importance is that of the hops around, too: a lost hop is mended by its neighbours, a lost syllable is not."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Of each hop, shape (hops,); ``probability`` (hops, 3), in the order of LABELS."""

    probability: Values
    complexity: Values
    """0 a sound that stays as it is, 1 one that changes all the time."""
    importance: Values
    """What losing the hop would cost: 0 nothing that was said, 1 the most."""


def scores(features: Features, speech: Values) -> Scores:
    """``speech``: a detector's score of each hop, 0 to 1."""
    spoken = speech_probability(speech)
    quiet = 1 / (1 + np.exp((features.level_db - silence_level(features)) / SLOPE_DB))
    probability = np.stack([(1 - spoken) * quiet, (1 - spoken) * (1 - quiet), spoken], axis=1)
    complexity = 1 - np.exp(-smoothed(features.change, CHANGE_S) / USUAL_CHANGE_DB)
    importance = smoothed(spoken * (1 - quiet) * complexity, SPEAKING_S)
    return Scores(probability, complexity, importance)


def speech_probability(speech: Values) -> Values:
    """A detector's scores, even where they leap for one hop: the median of three."""
    from scipy.ndimage import median_filter

    even: Values = median_filter(speech, size=3, mode="nearest")
    return even


def silence_level(features: Features) -> Values:
    """Level in dB below which a hop is as likely silent as not: so far below the loud hops of 30 s around it."""
    from scipy.ndimage import percentile_filter

    size = min(len(features), round(LOUD_S * RATE / HOP))
    loud = percentile_filter(features.level_db, 100 * LOUD_SHARE, size=size, mode="nearest")
    level: Values = np.clip(loud - BELOW_LOUD_DB, *SILENT_DB)
    return level


def smoothed(values: Values, seconds: float) -> Values:
    """Running mean, the ends held."""
    from scipy.ndimage import uniform_filter1d

    size = max(1, round(seconds * RATE / HOP))
    mean: Values = uniform_filter1d(values.astype(np.float64), size, mode="nearest")
    return mean

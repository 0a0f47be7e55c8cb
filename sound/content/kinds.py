"""Which kind of noise: a linear model over the hops around one, fitted by ``python -m benchmarks.content.kinds``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from sound.content.features import Features, Values
from sound.content.scores import smoothed

POOLED_S = 1.0
LIGHTEST = 1e-6
MEANS = ("flatness_db", "centroid", "harmonicity", "crest_db", "change")
SPREADS = ("level_db", "centroid", "harmonicity", "change")


@dataclass(frozen=True, slots=True)
class Kinds:
    """A multinomial logistic regression: ``weights`` (kinds, values), ``offsets`` (kinds,), on standardised values."""

    names: tuple[str, ...]
    means: Values
    scales: Values
    weights: Values
    offsets: Values

    def probabilities(self, pooled: Values) -> Values:
        """Shape (hops, kinds); each row sums to 1."""
        logits = ((pooled - self.means) / self.scales) @ self.weights.T + self.offsets
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        shares: Values = odds / odds.sum(axis=1, keepdims=True)
        return shares


def pooled(features: Features, noise: Values) -> Values:
    """What tells kinds apart, over a second around each hop, hops weighted by how surely they are ``noise``.

    Shape (hops, values): six bands, means and spreads.
    """
    weight = smoothed(noise, POOLED_S) + LIGHTEST

    def mean(values: Values) -> Values:
        return (smoothed(noise * values, POOLED_S) + LIGHTEST * values) / weight

    def spread(values: Values) -> Values:
        return np.sqrt(np.maximum(mean(values**2) - mean(values) ** 2, 0))

    columns = [mean(band) for band in features.bands_db.T]
    columns += [mean(getattr(features, name)) for name in MEANS]
    columns += [spread(getattr(features, name)) for name in SPREADS]
    return np.stack(columns, axis=1)


@cache
def fitted() -> Kinds:
    """The model that ships: ``kinds.json``, which says what it was fitted to."""
    content = json.loads(files("sound.content").joinpath("kinds.json").read_text())
    arrays = (np.array(content[name]) for name in ("means", "scales", "weights", "offsets"))
    return Kinds(tuple(content["names"]), *arrays)

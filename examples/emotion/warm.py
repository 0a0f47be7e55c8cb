"""Imported before workers are forked: librosa loads its parts, and numba its compiled code, when first called."""

import warnings

import numpy as np

from examples.emotion import close, plain, shared

NOISE = np.random.default_rng(0).normal(0, 0.1, 4096).astype(np.float32)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    plain.features(NOISE, 16_000)
    shared.features(NOISE, 16_000, close.CLOSE)

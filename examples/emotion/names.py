"""What the 312 features are called, in order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SINGLE = (
    "flatness", "zero_crossings", "magnitude_mean", "magnitude_max", "centroid_mean", "centroid_std", "centroid_max",
    "magnitude_std", "pitch_mean", "pitch_max", "pitch_std", "tuning", "rms_mean", "rms_max", "rms_std",
)  # fmt: skip
SEVERAL = (("mfcc_mean", 50), ("mfcc_std", 50), ("mfcc_max", 50), ("chroma", 12), ("mel", 128), ("contrast", 7))
NAMES = (*SINGLE, *(f"{name}_{place}" for name, count in SEVERAL for place in range(count)))

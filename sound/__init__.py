"""Samples -> samples, or facts about them: what several rooms need. No files, no recogniser, no harness."""

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
"""Mono, in [-1, 1], shape (samples,)."""

from sound.compress import compress  # noqa: E402 - its modules take Audio from here

__all__ = ["Audio", "compress"]

"""Samples -> samples, or facts about them: what several rooms need. No files, no recogniser, no harness."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sound.compress import compress

Audio = NDArray[np.float32]
"""Mono, in [-1, 1], shape (samples,)."""

__all__ = ["Audio", "compress"]

"""A pipeline of librosa that takes another loader when it is told to, file by file the same samples.

    python examples/gradual_loading.py CLIP.wav

With USE_AUDIODECODE=1 before the command, audiodecode decodes; without, nothing changes. A pipeline is moved over by
the two lines of ``loader``: first where the variable is set, then everywhere, and back by unsetting it.
"""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager, nullcontext

import librosa
import numpy as np


def loader() -> AbstractContextManager[object]:
    """What decodes for librosa, by the variable USE_AUDIODECODE."""
    from audiodecode.compat import patch_librosa

    return patch_librosa() if os.environ.get("USE_AUDIODECODE") == "1" else nullcontext()


def features(path: str) -> list[float]:
    """The means of a clip's 13 MFCC: any code of yours, which goes on calling librosa."""
    audio, rate = librosa.load(path, sr=None)
    means: list[float] = np.mean(librosa.feature.mfcc(y=audio, sr=rate, n_mfcc=13, n_fft=512), axis=1).tolist()
    return means


if __name__ == "__main__":
    with loader():
        for path in sys.argv[1:]:
            print(path, *(f"{value:.3f}" for value in features(path)))

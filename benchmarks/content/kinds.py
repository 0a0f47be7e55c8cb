"""Fit the kinds of noise that ``sound.content`` tells apart: ``python -m benchmarks.content.kinds`` writes its model.

Learned from the first halves of the recordings, every other file of the effects and noise made here; nothing of what
is reported is among it.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np

from benchmarks.content.noises import noises
from benchmarks.speech import data_folder
from sound.content import kinds
from sound.content.features import Values, features
from sound.content.scores import silence_level

PLACE = Path(str(files("sound.content"))) / "kinds.json"
REGULARISATION = 0.3
NOTE = (
    "fitted by benchmarks.content.kinds to the first halves of doing_the_dishes, running_tap, exercise_bike and"
    " dude_miaowing (Speech Commands, CC BY 4.0), every other file of Sonic Pi's samples (CC0),"
    " white, pink and mains that were made"
)


def rows(data: Path, part: str) -> tuple[Values, list[str], list[str]]:
    """Pooled values of every hop that is no silence, its kind and the name of its file."""
    values, kind_of, name_of = [], [], []
    for noise in noises(data, part):
        measured = features(noise.audio)
        audible = (measured.level_db > silence_level(measured)).astype(np.float64)
        kept = kinds.pooled(measured, audible)[audible > 0]
        values.append(kept)
        kind_of += [noise.kind] * len(kept)
        name_of += [noise.name] * len(kept)
    return np.concatenate(values), kind_of, name_of


def main() -> None:
    """Fit and write."""
    from sklearn.linear_model import LogisticRegression

    values, kind_of, name_of = rows(data_folder(), "dev")
    means, scales = values.mean(axis=0), values.std(axis=0)
    per_file = {name: name_of.count(name) for name in set(name_of)}
    files_of = {kind: len({n for n, k in zip(name_of, kind_of, strict=True) if k == kind}) for kind in set(kind_of)}
    shares = np.array([1 / per_file[n] / files_of[k] for n, k in zip(name_of, kind_of, strict=True)])
    weights = shares * len(shares) / len(files_of)
    model = LogisticRegression(C=REGULARISATION, max_iter=2_000)
    model.fit((values - means) / scales, kind_of, sample_weight=weights)
    content = {
        "note": NOTE,
        "names": list(model.classes_),
        "means": means.round(4).tolist(),
        "scales": scales.round(4).tolist(),
        "weights": model.coef_.round(4).tolist(),
        "offsets": model.intercept_.round(4).tolist(),
    }
    PLACE.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()

from __future__ import annotations

import numpy as np
import pytest

from backends.base import BackendError, Prediction
from backends.kit.rejection import certainty, rejected, threshold

SOUND = np.full(100, 0.1, np.float32)


@pytest.mark.parametrize(
    ("prediction", "sure"),
    [
        (Prediction("1", {"0": 0.25, "1": 0.75}), 0.75),
        (Prediction("1", {"0": 0.25, "1": 0.75}, facts={"certainty": 0.1}), 0.1),
        (Prediction("1", {"0": -3.0, "1": 4.0}), None),
        (Prediction("1", {"0": 0.2, "1": 0.3}), None),
        (Prediction("1"), None),
        (Prediction(text="one", facts={"decoder_tokens": 3.0}), None),
    ],
)
def test_certainty_is_a_fact_or_the_best_share(prediction: Prediction, sure: float | None) -> None:
    assert certainty(SOUND, prediction) == sure


@pytest.mark.parametrize("silence", [np.zeros(100, np.float32), np.zeros(0, np.float32), SOUND * np.float32(1e-4)])
def test_digital_silence_is_no_word_whatever_a_backend_says(
    silence: np.ndarray[tuple[int], np.dtype[np.float32]],
) -> None:
    sure = certainty(silence, Prediction("1", {"0": 0.0, "1": 1.0}))
    assert sure == 0
    assert rejected(sure, 0.0)


def test_what_is_below_the_threshold_is_rejected_and_what_says_nothing_is_not() -> None:
    assert rejected(0.49, 0.5)
    assert not rejected(0.5, 0.5)
    assert not rejected(None, 1.0)


@pytest.mark.parametrize("wrong", [True, "0.5", -0.1, 1.1, float("nan"), None])
def test_a_threshold_is_a_number_from_0_to_1(wrong: object) -> None:
    with pytest.raises(BackendError, match="mine: reject_below must be a number from 0 to 1"):
        threshold("mine", wrong)

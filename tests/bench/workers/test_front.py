"""Front ends of a backend's name."""

from __future__ import annotations

import numpy as np
import pytest

from backends.base import BackendError, Prediction
from bench.workers.front import FrontEnd, front_end, nothing, with_facts
from sound.activity import EnergyGate
from tests.sound.test_compress import RATE, speech_like


def test_only_its_modifier_makes_one() -> None:
    assert front_end("mfcc-svm+noise") is None
    assert front_end("whisper-short:tiny.en") is None
    assert isinstance(front_end("mfcc-svm+noise+compress@light"), FrontEnd)


@pytest.mark.parametrize("value", ["harder", "2", "-1", "nan"])
def test_a_value_that_means_nothing_is_named(value: str) -> None:
    with pytest.raises(BackendError, match=f"compress@{value}"):
        front_end(f"mfcc-svm+compress@{value}")


def test_what_is_kept_is_told() -> None:
    audio = speech_like()
    kept, facts = FrontEnd("hard", EnergyGate()).process(audio, RATE)
    assert kept.size < 0.8 * audio.size
    assert facts["clip_tokens"] == pytest.approx(50 * kept.size / RATE)


def test_zero_is_no_front_end_at_all() -> None:
    audio = speech_like()
    kept, facts = FrontEnd("0", EnergyGate()).process(audio, RATE)
    assert kept is audio
    assert facts == {}


def test_silence_is_no_work_and_no_words() -> None:
    kept, facts = FrontEnd("light", EnergyGate()).process(np.zeros(RATE, np.float32), RATE)
    assert kept.size == 0
    assert nothing(facts) == Prediction(text="", facts={"encoder_tokens": 0, "decoder_tokens": 0, "clip_tokens": 0})


def test_the_front_end_knows_best_what_was_kept() -> None:
    said = Prediction(text="a", facts={"clip_tokens": 5, "retries": 1})
    assert with_facts(said, {"clip_tokens": 4}).facts == {"clip_tokens": 4, "retries": 1}
    assert with_facts(said, {}) is said

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sound.resample import resample
from tests.bench.test_audio import RATE
from tests.conftest import tone


@given(
    st.integers(1, 4_000), st.sampled_from([8_000, 16_000, 22_050, 96_000]), st.sampled_from([8_000, 16_000, 44_100])
)
@settings(deadline=None)
def test_resampled_length_follows_the_rates(samples: int, from_rate: int, to_rate: int) -> None:
    resampled = resample(tone(440, seconds=1)[:1].repeat(samples), from_rate, to_rate)
    assert resampled.dtype == np.float32
    assert len(resampled) >= 1
    assert abs(len(resampled) - samples * to_rate / from_rate) <= 1


def test_resampling_keeps_the_tone() -> None:
    resampled = resample(tone(440, seconds=1, rate=44_100), 44_100, RATE)
    spectrum = np.abs(np.fft.rfft(resampled))
    assert np.argmax(spectrum) * RATE / len(resampled) == pytest.approx(440, abs=1)


def test_equal_rates_do_not_copy() -> None:
    audio = tone(440)
    assert resample(audio, RATE, RATE) is audio

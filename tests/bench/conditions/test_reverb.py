from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.audio import read, write
from bench.conditions import Resources, apply, parse
from bench.conditions.reverb import direct_path, reverberate, reverberation_time, simulate
from bench.errors import BenchError
from sound.level import active_level
from tests.conftest import tone

RATE = 8_000


@pytest.mark.parametrize("rt60", [0.2, 0.5, 1.0])
def test_decay_of_noise_is_measured(rt60: float) -> None:
    time = np.arange(2 * 16_000) / 16_000
    response = np.random.default_rng(0).standard_normal(len(time)) * 10 ** (-3 * time / rt60)
    response = np.concatenate([np.zeros(500), [20.0], response])
    assert direct_path(response, 16_000) == 500
    assert reverberation_time(response, 16_000) == pytest.approx(rt60, rel=0.05)


@pytest.mark.parametrize(("rt60", "number"), [(0.3, 0), (0.6, 1)])
def test_a_simulated_room_has_the_time_asked(rt60: float, number: int) -> None:
    pyroomacoustics = pytest.importorskip("pyroomacoustics")
    response = simulate(rt60, RATE, number, seed=0)
    assert reverberation_time(response, RATE) == pytest.approx(rt60, rel=0.05)
    measured = pyroomacoustics.experimental.measure_rt60(response, fs=RATE, decay_db=20)
    assert measured == pytest.approx(rt60, rel=0.1)
    np.testing.assert_array_equal(simulate(rt60, RATE, number, seed=0), response)
    assert not np.array_equal(simulate(rt60, RATE, number, seed=1)[:999], response[:999])


def test_clips_share_rooms_by_seed_and_clip() -> None:
    pytest.importorskip("pyroomacoustics")
    resources, condition, audio = Resources(), parse("reverb:room@0.3s"), tone(440)
    heard = [apply(condition, audio, RATE, clip=clip, resources=resources)[0] for clip in "aabcd"]
    np.testing.assert_array_equal(heard[0], heard[1])
    assert len({each.tobytes() for each in heard}) > 2


@given(st.integers(0, 300), st.floats(-1, 1), st.integers(1, 3_000))
def test_an_echo_free_response_changes_nothing(delay: int, size: float, samples: int) -> None:
    if abs(size) < 1e-3:
        return
    audio = tone(440, seconds=1)[:samples] * np.float32(0.5)
    response = np.zeros(400)
    response[delay] = size
    np.testing.assert_allclose(reverberate(audio, response, RATE), np.sign(size) * audio, atol=1e-5)


def test_an_echo_comes_when_it_should() -> None:
    click = np.zeros(1_000, np.float32)
    click[100] = 0.5
    response = np.zeros(500)
    response[[50, 350]] = 1.0, 0.5
    changed = reverberate(click, response, RATE)
    assert np.flatnonzero(np.abs(changed) > 0.01).tolist() == [100, 400]


def test_a_measured_response_keeps_length_level_and_place(data: Path) -> None:
    resources = Resources.find(environ={"DIGITBENCH_DATA": str(data)})
    condition = parse("reverb:clap")
    for path in sorted((data / "fsdd" / "recordings").glob("?_nicolas_1.wav")):
        audio, rate = read(path)
        changed, changed_rate = apply(condition, audio, rate, clip=path.stem, resources=resources)
        assert (changed.shape, changed_rate) == (audio.shape, rate)
        assert active_level(changed, rate) == pytest.approx(active_level(audio, rate), abs=0.1)
    click = np.zeros(rate, np.float32)
    click[rate // 2] = 0.5
    changed, _ = apply(condition, click, rate, clip="a", resources=resources)
    assert direct_path(changed, rate) == pytest.approx(rate // 2, abs=1)


def test_a_wrong_file_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "hall.wav", np.zeros(99, np.float32), RATE)
    resources = Resources(rir=tmp_path)
    for name, hint in {"hal": "silent", "hallo": "did you mean hall", str(tmp_path): "no impulse response"}.items():
        with pytest.raises(BenchError, match=hint):
            apply(parse(f"reverb:{name}"), tone(440), RATE, clip="a", resources=resources)

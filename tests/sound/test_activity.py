"""Detectors hear speech where it is, and not in noise."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bench.audio import read
from sound.activity import HOP, RATE, SPEECH, EnergyGate, Silero, activity, detectors, model_file
from sound.resample import resample


@pytest.fixture(scope="module")
def silero() -> Silero:
    pytest.importorskip("onnxruntime")
    return Silero(Silero.open())


def test_silero_scores_as_faster_whisper_does(silero: Silero) -> None:
    vad = pytest.importorskip("faster_whisper.vad")
    rng = np.random.default_rng(0)
    audio = (rng.normal(0, 0.1, 40 * HOP) * np.repeat(rng.random(40), HOP)).astype(np.float32)
    silero.reset()
    theirs = vad.get_vad_model()(audio.copy()).reshape(-1)
    assert np.allclose(activity(audio, silero)[:-1], theirs[:-1], atol=1e-4)  # theirs loses the end of the last hop


def test_silero_finds_digits_and_not_noise(silero: Silero, data: Path) -> None:
    silence = np.zeros(RATE, np.float32)
    found = []
    for digit in range(10):
        audio, rate = read(data / "fsdd" / "recordings" / f"{digit}_theo_10.wav")
        silero.reset()
        found.append(activity(np.concatenate((silence, resample(audio, rate, RATE))), silero).max())
    assert sum(score >= SPEECH for score in found) >= 9
    bike, rate = read(next((data / "noise").glob("*bike*")))
    silero.reset()
    assert (activity(resample(bike[: 10 * rate], rate, RATE), silero) < SPEECH).all()


def test_detectors_that_share_a_model_keep_states_of_their_own(silero: Silero) -> None:
    make = detectors("silero")
    noise = np.random.default_rng(1).normal(0, 0.1, HOP).astype(np.float32)
    one, other = make(), make()
    before = one.score(noise)
    one.score(noise)
    assert other.score(noise) == before


def test_the_energy_gate_hears_what_is_louder_than_the_room_at_any_level() -> None:
    rng = np.random.default_rng(0)
    gains = np.repeat([0.01] * 60 + [0.1] * 10 + [0.01] * 20, HOP)
    room = rng.normal(0, 1, len(gains)) * gains
    for level in (1.0, 0.1):
        scores = activity((room * level).astype(np.float32), EnergyGate())
        assert (scores[:60] < SPEECH).all() and (scores[60:70] > SPEECH).all() and (scores[70:] < SPEECH).all()
    assert not activity(np.zeros(9 * HOP, np.float32), EnergyGate()).any()


def test_other_names_are_refused() -> None:
    with pytest.raises(ValueError, match="auto, silero or energy"):
        detectors("loud")
    assert detectors("energy")().name == "energy"


def test_without_faster_whisper_auto_is_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sound.activity.find_spec", lambda name: None)
    assert detectors()().name == "energy"
    with pytest.raises(ModuleNotFoundError, match="faster-whisper"):
        detectors("silero")


def test_importing_it_imports_neither_engine() -> None:
    code = "import sys, sound.activity, sound.segment; print({'onnxruntime', 'faster_whisper'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_the_model_is_a_file() -> None:
    pytest.importorskip("faster_whisper")
    assert model_file().is_file()

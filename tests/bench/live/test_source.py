"""Sources: files at their pace or at once, pipes of WAV and of raw samples, and what is neither."""

from __future__ import annotations

import io
import os
import wave
from pathlib import Path
from threading import Event
from time import monotonic

import numpy as np
import pytest
import soundfile

from audiodecode.limits import Limits
from bench.errors import BenchError
from bench.live.source import Pipe, Recording, Source
from sound import Audio
from sound.stream import to_grid
from tests.conftest import tone

RATE = 8_000


def heard(source: Source) -> Audio:
    return np.concatenate([block.samples for block in source.blocks(Event())])


def wav(samples: Audio, width: int = 2, channels: int = 1, rate: int = RATE) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        out.writeframes((samples * 32_768).astype("<i2").tobytes() if width == 2 else bytes(width * len(samples)))
    return file.getvalue()


def piped(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


@pytest.mark.parametrize("form", ["wav", "flac", "ogg"])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_recording_comes_in_blocks_of_one_channel(tmp_path: Path, form: str, channels: int) -> None:
    path, sound = tmp_path / f"a.{form}", to_grid(tone(300))
    soundfile.write(path, np.stack([sound] * channels, axis=1), RATE)
    source = Recording(path, paced=False)
    blocks = [block.samples for block in source.blocks(Event())]
    assert source.rate == RATE
    assert all(len(block) <= 80 for block in blocks)
    assert np.allclose(np.concatenate(blocks), sound, atol=0 if form != "ogg" else 0.1)
    assert len(heard(source)) == len(sound)  # again from the beginning


def test_a_paced_one_takes_its_time_and_stops_when_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", tone(300, 0.2), RATE)
    began = monotonic()
    captured = [block.captured for block in Recording(tmp_path / "a.wav").blocks(Event())]
    assert captured[-1] - began >= 0.19
    assert np.allclose(np.diff(captured), 0.01, atol=1e-6)
    stop = Event()
    stop.set()
    assert not list(Recording(tmp_path / "a.wav").blocks(stop))


def test_what_is_no_recording_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("words")
    for path in (tmp_path / "a.wav", tmp_path / "none.wav", tmp_path):
        with pytest.raises(BenchError, match=path.name):
            Recording(path)


@pytest.mark.parametrize(
    ("value", "words"), [(np.nan, "NaN or infinite"), (-np.inf, "NaN or infinite"), (30_000.0, "reach 30,000")]
)
def test_samples_that_mean_nothing_end_a_recording(tmp_path: Path, value: float, words: str) -> None:
    sound = np.append(tone(300), np.float32(value))
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    with pytest.raises(BenchError, match=rf"a\.wav: .*{words}"):
        heard(Recording(tmp_path / "a.wav", paced=False))


def test_limits_on_rate_and_channels_hold_but_none_on_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "slow.wav", tone(300), 1)
    with pytest.raises(BenchError, match="clip_rates_hz"):
        Recording(tmp_path / "slow.wav")
    soundfile.write(tmp_path / "three.wav", np.zeros((10, 3)), RATE)
    with pytest.raises(BenchError, match="3 channels, more than 2"):
        Recording(tmp_path / "three.wav", limits=Limits(channels=2))
    soundfile.write(tmp_path / "a.wav", tone(300), RATE)
    assert Recording(tmp_path / "a.wav", limits=Limits(seconds=0.01)).rate == RATE


def test_pipes_of_wav_say_their_rate_and_raw_ones_are_told_it() -> None:
    sound = to_grid(tone(300))
    source = Pipe(piped(wav(sound)))
    assert source.rate == RATE and np.array_equal(heard(source), sound)
    stereo = Pipe(piped(wav(np.repeat(sound, 2), channels=2)))
    assert np.array_equal(heard(stereo), sound)
    raw = Pipe(piped(wav(sound)[44:] + b"\1"), rate=11_025)
    assert raw.rate == 11_025 and np.array_equal(heard(raw), sound)
    endless = bytearray(wav(sound))
    endless[4:8] = endless[40:44] = b"\xff" * 4  # as ffmpeg writes into a pipe
    assert np.array_equal(heard(Pipe(piped(bytes(endless)))), sound)


@pytest.mark.parametrize(
    ("data", "rate", "words"),
    [
        (wav(tone(300), 3), None, "24 bits"),
        (wav(tone(300))[:20], None, "16-bit WAV"),
        (wav(tone(300)), 16_000, "--rate"),
        (wav(tone(300), rate=1), None, "clip_rates_hz"),
        (b"", None, "nothing came"),
        (b"fLaC" + bytes(90), None, "this is flac"),
        (b"OggS" + bytes(90), None, "this is ogg"),
    ],
)
def test_pipes_of_other_kinds_are_refused(data: bytes, rate: int | None, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        Pipe(piped(data), rate)


def test_a_terminal_is_no_pipe() -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "rb") as terminal, pytest.raises(BenchError, match="nothing is piped in"):
        Pipe(terminal)
    os.close(ours)

"""Microphones, by a PortAudio that is made up; the real one is heard in test_pulse.py."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Event, Thread
from time import sleep
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench.errors import BenchError
from bench.live import microphone
from bench.live.microphone import Microphone, choose, devices
from bench.live.source import Block

TABLE = [
    {"name": "Speakers", "max_input_channels": 0, "default_samplerate": 48_000.0, "index": 0},
    {"name": "Headset Mic", "max_input_channels": 1, "default_samplerate": 44_100.0, "index": 1},
    {"name": "Webcam Mic", "max_input_channels": 2, "default_samplerate": 48_000.0, "index": 2},
]


class PortAudioError(Exception):
    """Of the made-up library."""


class Stream:
    """Calls back from a thread of its own, three blocks, then is as told."""

    def __init__(
        self, module: Any, *, callback: Callable[..., None], channels: int, blocksize: int, **kinds: Any
    ) -> None:
        if module.only is not None and channels != module.only:
            raise PortAudioError("Invalid number of channels [PaErrorCode -9998]")
        self.asked = {"channels": channels, "blocksize": blocksize, **kinds}
        module.opened.append(self)
        self.active = True
        self._callback, self._module = callback, module

    def __enter__(self) -> Stream:
        Thread(target=self._play, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is open."""

    def _play(self) -> None:
        times = SimpleNamespace(currentTime=5.0, inputBufferAdcTime=4.95)
        for _ in range(3):
            block = np.full((self.asked["blocksize"], self.asked["channels"]), 0.5, np.float32)
            self._callback(block, len(block), times, SimpleNamespace(input_overflow=True))
        sleep(0.2)
        self.active = False


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = ModuleType("sounddevice")
    module.PortAudioError, module.table, module.opened, module.only = PortAudioError, TABLE, [], None

    def query_devices(kind: str | None = None) -> Any:
        inputs = [each for each in module.table if each["max_input_channels"]]
        if kind and not inputs:
            raise PortAudioError("Error querying device -1")
        return inputs[-1] if kind else module.table

    module.query_devices = query_devices
    module.InputStream = lambda **kinds: Stream(module, **kinds)
    monkeypatch.setitem(sys.modules, "sounddevice", module)
    return module


def test_devices_are_chosen_by_name(library: Any) -> None:
    assert [(device.name, device.default) for device in devices()] == [("Headset Mic", False), ("Webcam Mic", True)]
    assert choose(None).name == "Webcam Mic"
    assert choose("headset").number == 1
    with pytest.raises(BenchError, match="no input device is called so; there are 'Headset Mic', 'Webcam Mic'"):
        choose("1x")
    with pytest.raises(BenchError, match="more of the name"):
        choose("mic")
    library.table = TABLE[:1]
    with pytest.raises(BenchError, match="no microphone"):
        choose(None)


@pytest.mark.parametrize("only", [None, 2])
def test_one_is_heard_at_its_own_rate_until_it_is_unplugged(library: Any, only: int | None) -> None:
    library.only = only
    source, blocks = Microphone(choose(None)), list[Block]()
    with pytest.raises(BenchError, match="Webcam Mic: no more sound comes from it"):
        blocks.extend(source.blocks(Event()))
    assert source.rate == 48_000 and source.dropped == 3
    (stream,) = library.opened
    assert stream.asked["samplerate"] == 48_000 and stream.asked["channels"] == (only or 1)


def test_blocks_are_mono_with_the_time_they_were_in_the_air(library: Any) -> None:
    stop = Event()
    for block in Microphone(choose("headset")).blocks(stop):
        assert block.samples.shape == (441,) and block.samples[0] == 0.5
        stop.set()


def test_what_nobody_takes_is_dropped_and_counted(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(microphone, "KEPT_S", 0.02)
    source = Microphone(choose(None))
    with pytest.raises(BenchError, match="no more sound"):
        for _ in source.blocks(Event()):
            sleep(0.1)
    assert source.dropped > 3


def test_one_that_cannot_be_opened_is_named(library: Any) -> None:
    library.only = 7
    with pytest.raises(BenchError, match=r"Headset Mic: cannot be listened to \(Invalid number of channels\)"):
        list(Microphone(choose("headset")).blocks(Event()))


def test_without_sounddevice_or_portaudio_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(BenchError, match=r"pip install 'digitbench\[live\]'"):
        devices()

    class Missing:
        """An import hook: the library is there, what it stands on is not."""

        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice")
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(BenchError, match="apt-get install libportaudio2"):
        devices()

"""The microphone, through PortAudio: by name, at its own rate."""

from __future__ import annotations

import queue
import time
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event
from types import ModuleType
from typing import Any, Final

import numpy as np

from bench.errors import BenchError
from bench.live.source import BLOCK_S, Block

KEPT_S: Final = 10.0
"""Of blocks that nobody has taken; beyond, they are dropped and counted."""
SILENT_S: Final = 2.0
"""Without a block for so long, the device is gone."""
LONGEST_DELAY_S: Final = 2.0
FILE_INSTEAD = "--input FILE needs no microphone"


@dataclass(frozen=True, slots=True)
class Device:
    """Something that one can listen to."""

    name: str
    number: int
    """Today's; it shifts when devices come and go."""
    rate: int
    channels: int
    default: bool


def devices() -> list[Device]:
    """Every device with an input. Raises BenchError where PortAudio, or sounddevice, is not installed."""
    portaudio = _portaudio()
    standard = _default(portaudio)
    inputs = [(number, each) for number, each in enumerate(portaudio.query_devices()) if each["max_input_channels"] > 0]
    return [
        Device(
            str(each["name"]),
            number,
            round(each["default_samplerate"]),
            each["max_input_channels"],
            number == standard,
        )
        for number, each in inputs
    ]


def choose(name: str | None) -> Device:
    """The device of a name, or of a part of it in any case; without, the system's own choice.

    Raises BenchError where there is none, or several fit.
    """
    there = devices()
    if not there:
        raise BenchError(f"no microphone: PortAudio sees no input device here; plug one in, or {FILE_INSTEAD}")
    if name is None:
        return next((device for device in there if device.default), there[0])
    exact = [device for device in there if device.name == name]
    fitting = exact or [device for device in there if name.casefold() in device.name.casefold()]
    names = ", ".join(repr(device.name) for device in fitting or there)
    if not fitting:
        raise BenchError(f"--device {name!r}: no input device is called so; there are {names}")
    if len(fitting) > 1 and not exact:
        raise BenchError(f"--device {name!r}: {names} are called so; give more of the name")
    return fitting[0]


class Microphone:
    """A device being listened to, at its own rate."""

    def __init__(self, device: Device, block_s: float = BLOCK_S) -> None:
        self.name, self.rate = device.name, device.rate
        self.dropped = 0
        self._device, self._block_s = device, block_s

    def blocks(self, stop: Event) -> Iterator[Block]:
        """What it hears. Raises BenchError if it cannot be opened, or is gone."""
        portaudio = _portaudio()
        taken: queue.Queue[Block] = queue.Queue(round(KEPT_S / self._block_s))

        def callback(samples: Any, frames: int, times: Any, status: Any) -> None:
            if status.input_overflow:
                self.dropped += 1
            delay = times.currentTime - times.inputBufferAdcTime - frames / self.rate
            captured = time.monotonic() - (delay if 0 <= delay <= LONGEST_DELAY_S else 0.0)
            try:
                taken.put_nowait(Block(samples.mean(axis=1, dtype=np.float32), captured))
            except queue.Full:
                self.dropped += 1

        try:
            with self._opened(portaudio, callback) as stream:
                arrival = time.monotonic()
                while not stop.is_set():
                    try:
                        block = taken.get(timeout=0.1)
                    except queue.Empty:
                        if not stream.active or time.monotonic() - arrival > SILENT_S:
                            raise BenchError(f"{self.name}: no more sound comes from it; was it unplugged?") from None
                        continue
                    arrival = time.monotonic()
                    yield block
        except portaudio.PortAudioError as error:
            raise BenchError(
                f"{self.name}: cannot be listened to ({_plain(error)}); --list-devices shows others"
            ) from None

    def _opened(self, portaudio: ModuleType, callback: Any) -> Any:
        """The stream, of one channel, or where the device has no such, of all it has."""
        wanted = {
            "device": self._device.number,
            "samplerate": self.rate,
            "blocksize": max(1, round(self._block_s * self.rate)),
            "dtype": "float32",
            "latency": "low",
            "callback": callback,
        }
        try:
            return portaudio.InputStream(channels=1, **wanted)
        except portaudio.PortAudioError:
            if self._device.channels == 1:
                raise
            return portaudio.InputStream(channels=self._device.channels, **wanted)


def _portaudio() -> ModuleType:
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise BenchError(
            f"the microphone needs sounddevice, which is not installed: pip install 'digitbench[live]'; {FILE_INSTEAD}"
        ) from None
    except OSError:
        raise BenchError(
            "the microphone needs PortAudio, which is not installed: apt-get install libportaudio2, or"
            f" brew install portaudio; {FILE_INSTEAD}"
        ) from None
    module: ModuleType = sounddevice
    return module


def _default(portaudio: ModuleType) -> int:
    """Number of the system's own choice, or -1."""
    try:
        return int(portaudio.query_devices(kind="input")["index"])
    except (portaudio.PortAudioError, ValueError, KeyError):
        return -1


def _plain(error: Exception) -> str:
    """PortAudio's words without its numbers."""
    return str(error).partition(" [")[0].rstrip(".")

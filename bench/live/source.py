"""Where sound comes from: a recording, as fast as it was spoken or as fast as it is read, or a pipe.

A source has a name and a rate; ``blocks(stop)`` yields :class:`Block` until its end, or ``stop`` is set. It holds one
block at a time, so it may go on for hours. The microphone is :mod:`bench.live.microphone`.
"""

from __future__ import annotations

import math
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path
from threading import Event
from typing import Any, Final, Protocol

import numpy as np

from audiodecode.containers import sniff
from audiodecode.decoders import checked
from audiodecode.files import Source as File
from audiodecode.limits import LIMITS, Limits, UnreadableError
from bench.audio import check_level
from bench.errors import BenchError
from sound import Audio
from sound.stream import FULL_SCALE

BLOCK_S: Final = 0.01
RAW_RATE: Final = 16_000
"""Hz of a pipe that does not say."""


@dataclass(frozen=True, slots=True)
class Block:
    """Float32 mono, and when its last sample was in the air, as ``time.monotonic`` has it."""

    samples: Audio
    captured: float


class Source(Protocol):
    """Where sound comes from."""

    @property
    def name(self) -> str:
        """For people."""

    @property
    def rate(self) -> int:
        """Hz."""

    @property
    def dropped(self) -> int:
        """Blocks that came while nobody could take them."""

    def blocks(self, stop: Event) -> Iterator[Block]:
        """The sound. Raises BenchError where it ends in an error."""


class Recording:
    """A file of any format that is read elsewhere, played at the pace of its samples or, not ``paced``, at once."""

    dropped = 0

    def __init__(self, path: Path, paced: bool = True, limits: Limits = LIMITS, block_s: float = BLOCK_S) -> None:
        """It may be of any length: of ``limits`` those on rate and channels hold. Raises BenchError if it is no
        recording."""
        self.name = str(path)
        self._path, self._paced, self._block_s = path, paced, block_s
        self._limits = replace(limits, seconds=math.inf)
        self.rate = int(next(self._decoded()))

    def blocks(self, stop: Event) -> Iterator[Block]:
        decoded = self._decoded()
        next(decoded)
        yield from _in_time(decoded, self.rate, self._block_s, self._paced, stop)

    def _decoded(self) -> Iterator[Any]:
        """The rate, then blocks of any length."""
        try:
            with File(self._path, whole=False) as file, checked(file, self._limits) as stream:
                yield stream.rate
                for block in stream.blocks:
                    if not stream.pcm:
                        check_level(block)
                    yield _mono(block)
        except UnreadableError as error:
            raise BenchError(f"{self._path}: {error}") from None
        except FileNotFoundError:
            raise BenchError(f"{self._path}: no such file") from None
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise BenchError(f"{self._path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


class Pipe:
    """Standard input: WAV of 16 bits, or raw little-endian samples of 16 bits, mono, at ``rate``."""

    name, dropped = "-", 0

    def __init__(
        self, stream: BufferedReader, rate: int | None = None, limits: Limits = LIMITS, block_s: float = BLOCK_S
    ) -> None:
        """Raises BenchError for a terminal, for nothing, and for what is neither raw nor a WAV of 16 bits."""
        if stream.isatty():
            raise BenchError("-: nothing is piped in; `ffmpeg -i clip.mp3 -f wav - | digitbench stream -`")
        self._block_s = block_s
        self._stream = stream
        self._wave: wave.Wave_read | None = None
        self.rate, self._channels = rate or RAW_RATE, 1
        head = stream.peek(64)[:64]
        if not head:
            raise BenchError("-: nothing came on standard input")
        if head[:4] != b"RIFF" and head[0] != 0xFF and (kind := sniff(head)):  # samples may look like frames of MP3
            raise BenchError(f"-: this is {kind}, neither 16-bit WAV nor raw samples: ffmpeg -i FILE -f wav - | ...")
        if head[:4] == b"RIFF":
            try:
                self._wave = wave.open(stream, "rb")  # noqa: SIM115 - the stream is another's
            except (wave.Error, EOFError) as error:
                raise BenchError(f"-: {error or 'ends within its header'}; 16-bit WAV is wanted") from None
            self.rate, self._channels = self._wave.getframerate(), self._wave.getnchannels()
            if self._wave.getsampwidth() != 2:
                raise BenchError(f"-: WAV of {8 * self._wave.getsampwidth()} bits; 16 are wanted: ffmpeg -f wav -")
            try:
                replace(limits, seconds=math.inf).check(self.rate, self._channels, 0)
            except UnreadableError as error:
                raise BenchError(f"-: {error}") from None
            if rate is not None and rate != self.rate:
                raise BenchError(f"--rate {rate}: the WAV on standard input says {self.rate}; leave --rate out")

    def blocks(self, stop: Event) -> Iterator[Block]:
        yield from _in_time(self._decoded(), self.rate, self._block_s, False, stop)

    def _decoded(self) -> Iterator[Audio]:
        frames = max(1, round(self._block_s * self.rate))
        left, size = b"", 2 * self._channels
        while data := self._read(frames):
            data = left + data
            whole = len(data) - len(data) % size
            left = data[whole:]
            samples = np.frombuffer(data[:whole], "<i2").astype(np.float32) / np.float32(FULL_SCALE)
            yield _mono(samples.reshape(-1, self._channels))

    def _read(self, frames: int) -> bytes:
        try:
            if self._wave is not None:
                return self._wave.readframes(frames)
            return self._stream.read1(2 * frames)
        except (OSError, EOFError) as error:
            raise BenchError(f"-: cannot be read ({error})") from None


def _in_time(decoded: Iterator[Audio], rate: int, block_s: float, paced: bool, stop: Event) -> Iterator[Block]:
    """Blocks of one length, each at its time if ``paced``."""
    frames = max(1, round(block_s * rate))
    began, position = time.monotonic(), 0
    for part in decoded:
        for start in range(0, len(part), frames):
            samples = part[start : start + frames]
            position += len(samples)
            if not paced:
                if stop.is_set():
                    return
                yield Block(samples, time.monotonic())
                continue
            captured = began + position / rate
            if stop.wait(max(0.0, captured - time.monotonic())):
                return
            yield Block(samples, captured)


def _mono(block: Any) -> Audio:
    mono: Audio = np.ascontiguousarray(block.mean(axis=1, dtype=np.float32) if block.shape[1] > 1 else block[:, 0])
    return mono.astype(np.float32, copy=False)

"""The loaders: each reads a file whole, a slice of it, at 16 kHz, or its duration, as its manual has it.

Samples come as float32 mono, shape (samples,). Packages are imported in the process that is measured, not before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
Read = Callable[[str], tuple[Audio, float]]

TARGET = 16_000
"""Hz, what "resampled" means."""
WAVS = ("WAV16", "WAV24")
SNDFILE = (*WAVS, "FLAC", "Vorbis", "MP3", "Opus")
ALL = (*SNDFILE, "M4A")
FAST = "audiodecode exact=False"


@dataclass(frozen=True, slots=True)
class Calls:
    """What a loader can do. A slice is from ``start`` for ``length``, in seconds."""

    whole: Read
    slice: Callable[[str, float, float], tuple[Audio, float]]
    resampled: Read
    duration: Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Loader:
    """A loader: the package it needs, what of it is imported for a cold start, which formats it claims to read."""

    name: str
    module: str
    formats: tuple[str, ...]
    make: Callable[[], Calls] = field(repr=False)
    once: str
    """A program that reads the file ``sys.argv[1]``, from nothing."""


def _librosa() -> Calls:
    import librosa

    return Calls(
        whole=lambda path: librosa.load(path, sr=None),
        slice=lambda path, start, length: librosa.load(path, sr=None, offset=start, duration=length),
        resampled=lambda path: librosa.load(path, sr=TARGET),
        duration=lambda path: librosa.get_duration(path=path),
    )


def _soundfile() -> Calls:
    import soundfile

    def cut(path: str, start: float, length: float) -> tuple[Audio, float]:
        with soundfile.SoundFile(path) as file:
            file.seek(int(start * file.samplerate))
            return _mono(file.read(int(length * file.samplerate), dtype="float32")), file.samplerate

    def whole(path: str) -> tuple[Audio, float]:
        samples, rate = soundfile.read(path, dtype="float32")
        return _mono(samples), rate

    return Calls(whole, cut, _soxr(whole), lambda path: float(soundfile.info(path).duration))


def _scipy() -> Calls:
    from scipy.io import wavfile

    def scaled(samples: Any) -> Audio:
        return _mono(samples.astype(np.float32) * np.float32(2.0 ** (1 - 8 * samples.dtype.itemsize)))

    def whole(path: str) -> tuple[Audio, float]:
        rate, samples = _mapped(wavfile, path)
        return scaled(samples), rate

    def cut(path: str, start: float, length: float) -> tuple[Audio, float]:
        rate, samples = _mapped(wavfile, path)
        first = int(start * rate)
        return scaled(samples[first : first + int(length * rate)]), rate

    def duration(path: str) -> float:
        rate, samples = _mapped(wavfile, path)
        return float(len(samples) / rate)

    return Calls(whole, cut, _soxr(whole), duration)


def _mapped(wavfile: Any, path: str) -> tuple[int, Any]:
    """scipy maps a file into memory unless a sample takes three bytes."""
    try:
        recording: tuple[int, Any] = wavfile.read(path, mmap=True)
    except ValueError:
        recording = wavfile.read(path)
    return recording


def _pyav() -> Calls:
    import av

    def frames(path: str, start: float, length: float, rate: int | None) -> tuple[Audio, float]:
        with av.open(path) as container:
            stream = container.streams.audio[0]
            out_rate = int(rate or stream.rate)
            if start:
                container.seek(int(start * av.time_base))
            resampler = av.AudioResampler(format="flt", layout="mono", rate=out_rate)
            parts, begin = [], None
            for frame in container.decode(stream):
                if begin is None:
                    begin = float(frame.time or 0.0)
                parts += [out.to_ndarray()[0] for out in resampler.resample(frame)]
                if frame.time is not None and frame.time > start + length:
                    break
            parts += [out.to_ndarray()[0] for out in resampler.resample(None)]
        samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        if not np.isinf(length):
            first = max(0, round((start - (begin or 0.0)) * out_rate))
            samples = samples[first : first + int(length * out_rate)]
        return samples, out_rate

    def duration(path: str) -> float:
        with av.open(path) as container:
            stream = container.streams.audio[0]
            if stream.duration is None:
                return float(container.duration / av.time_base)
            return float(stream.duration * stream.time_base)

    return Calls(
        whole=lambda path: frames(path, 0.0, np.inf, None),
        slice=lambda path, start, length: frames(path, start, length, None),
        resampled=lambda path: frames(path, 0.0, np.inf, TARGET),
        duration=duration,
    )


def _torchcodec() -> Calls:
    from torchcodec.decoders import AudioDecoder

    def whole(path: str, rate: int | None = None) -> tuple[Audio, float]:
        samples = AudioDecoder(path, num_channels=1, sample_rate=rate).get_all_samples()
        return samples.data[0].numpy(), samples.sample_rate

    def cut(path: str, start: float, length: float) -> tuple[Audio, float]:
        samples = AudioDecoder(path, num_channels=1).get_samples_played_in_range(start, start + length)
        return samples.data[0].numpy(), samples.sample_rate

    def duration(path: str) -> float:
        return float(AudioDecoder(path).metadata.duration_seconds)

    return Calls(whole, cut, lambda path: whole(path, TARGET), duration)


def _miniaudio() -> Calls:
    import miniaudio

    floats = miniaudio.SampleFormat.FLOAT32

    def whole(path: str, rate: int | None = None) -> tuple[Audio, float]:
        out_rate = rate or miniaudio.get_file_info(path).sample_rate
        decoded = miniaudio.decode_file(path, output_format=floats, nchannels=1, sample_rate=out_rate)
        return np.frombuffer(decoded.samples, np.float32), out_rate

    def cut(path: str, start: float, length: float) -> tuple[Audio, float]:
        rate = miniaudio.get_file_info(path).sample_rate
        parts = miniaudio.stream_file(
            path, floats, 1, rate, frames_to_read=int(length * rate), seek_frame=int(start * rate)
        )  # fmt: skip
        return np.frombuffer(next(parts), np.float32), rate

    def duration(path: str) -> float:
        return float(miniaudio.get_file_info(path).duration)

    return Calls(whole, cut, lambda path: whole(path, TARGET), duration)


def _audiodecode(exact: bool) -> Calls:
    import audiodecode

    return Calls(
        whole=lambda path: audiodecode.load(path, sr=None, exact=exact),
        slice=lambda path, start, length: audiodecode.load(
            path, sr=None, offset=start, duration=length, exact=exact
        ),
        resampled=lambda path: audiodecode.load(path, sr=TARGET, exact=exact),
        duration=audiodecode.duration,
    )  # fmt: skip


def _mono(samples: Any) -> Audio:
    return np.asarray(samples if samples.ndim == 1 else samples.mean(axis=1), dtype=np.float32)


def _soxr(whole: Read) -> Read:
    """Read, then resample as librosa does."""
    import soxr

    def resampled(path: str) -> tuple[Audio, float]:
        samples, rate = whole(path)
        return soxr.resample(samples, rate, TARGET, quality="HQ"), TARGET

    return resampled


REFERENCE = "librosa"
OURS = "audiodecode"
LOADERS: Mapping[str, Loader] = MappingProxyType({
    each.name: each
    for each in (
        Loader(REFERENCE, "librosa", ALL, _librosa, "import sys, librosa; librosa.load(sys.argv[1], sr=None)"),
        Loader(
            "soundfile", "soundfile", SNDFILE, _soundfile,
            "import sys, soundfile; soundfile.read(sys.argv[1], dtype='float32')",
        ),
        Loader(
            "scipy", "scipy.io.wavfile", WAVS, _scipy,
            "import sys, numpy; from scipy.io import wavfile\n"
            "samples = wavfile.read(sys.argv[1])[1]; samples.astype('f4') * 2.0 ** (1 - 8 * samples.itemsize)",
        ),
        Loader(
            "PyAV", "av", ALL, _pyav,
            "import sys, av, numpy\nwith av.open(sys.argv[1]) as file:\n"
            "    to = av.AudioResampler(format='flt', layout='mono')\n"
            "    numpy.concatenate([out.to_ndarray()[0] for f in file.decode(audio=0) for out in to.resample(f)])",
        ),
        Loader(
            "torchcodec", "torchcodec.decoders", ALL, _torchcodec,
            "import sys; from torchcodec.decoders import AudioDecoder\n"
            "AudioDecoder(sys.argv[1], num_channels=1).get_all_samples().data[0].numpy()",
        ),
        Loader(
            "miniaudio", "miniaudio", (*WAVS, "FLAC", "Vorbis", "MP3"), _miniaudio,
            "import sys, miniaudio, numpy; path = sys.argv[1]\n"
            "rate = miniaudio.get_file_info(path).sample_rate\n"
            "numpy.frombuffer(miniaudio.decode_file(path, miniaudio.SampleFormat.FLOAT32, 1, rate).samples, 'f4')",
        ),
        Loader(
            OURS, "audiodecode", ALL, lambda: _audiodecode(True),
            "import sys, audiodecode; audiodecode.load(sys.argv[1], sr=None)",
        ),
        Loader(
            FAST, "audiodecode", ("Opus",), lambda: _audiodecode(False),
            "import sys, audiodecode; audiodecode.load(sys.argv[1], sr=None, exact=False)",
        ),
    )
})  # fmt: skip


def missing(loader: Loader) -> str:
    """Why a loader cannot be used here; empty if it can."""
    try:
        import_module(loader.module)
        loader.make()
    except Exception as error:  # a library that it needs and that is not there raises whatever it likes
        return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__).strip()
    return ""

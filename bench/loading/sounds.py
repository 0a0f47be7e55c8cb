"""The files that are loaded: real speech where there is some, else synthetic voices, in every format and length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
import soundfile

from bench.audio import read
from bench.corpora.synthetic import open_synthetic
from bench.errors import BenchError
from sound.resample import resample

RATE = 48_000
BLOCK = 1 << 16
"""Samples that are written at once: libsndfile's Vorbis encoder keeps what it is given on the stack."""
WORDS = MappingProxyType({str(number): (word,) for number, word in enumerate(
    ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
)})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Format:
    """How a format is written: libsndfile's container and coding, or none where PyAV writes it."""

    suffix: str
    container: str = ""
    coding: str = ""


FORMATS: Mapping[str, Format] = MappingProxyType({
    "WAV16": Format(".wav", "WAV", "PCM_16"),
    "WAV24": Format(".wav", "WAV", "PCM_24"),
    "FLAC": Format(".flac", "FLAC", "PCM_16"),
    "Vorbis": Format(".ogg", "OGG", "VORBIS"),
    "MP3": Format(".mp3", "MP3", "MPEG_LAYER_III"),
    "Opus": Format(".opus", "OGG", "OPUS"),
    "M4A": Format(".m4a"),
})  # fmt: skip

Audio = np.ndarray[tuple[int], np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Voice:
    """Speech, float32 mono, and where it is from."""

    samples: Audio
    source: str

    def lasting(self, seconds: float) -> Audio:
        """The first seconds of it, over and over where there are not as many."""
        wanted = round(seconds * RATE)
        return np.tile(self.samples, math.ceil(wanted / len(self.samples)))[:wanted]


def voice(data: Path | None, cache: Path) -> Voice:
    """Common Voice, else LibriSpeech from ``data``, else voices of espeak-ng; at 48 kHz, a minute and more."""
    for name, pattern in (("common_voice", "clips/*.mp3"), ("librispeech", "*/*.flac")):
        paths = sorted((data / name).glob(pattern)) if data else []
        if paths:
            return Voice(_joined(paths), f"{name} ({len(paths)} files)")
    corpus = open_synthetic(WORDS, cache, takes=2)
    paths = [corpus.root / path for path in corpus.clips["path"]]
    return Voice(_joined(paths), "voices of espeak-ng, no people")


def _joined(paths: Sequence[Path]) -> Audio:
    parts = [_at(RATE, *read(path)) for path in paths]
    return np.concatenate(parts)


def _at(rate: int, samples: Audio, source_rate: int) -> Audio:
    return np.asarray(resample(samples, source_rate, rate), dtype=np.float32)


def utterances(data: Path | None, spoken: Voice, count: int) -> Iterator[tuple[Audio, int]]:
    """``count`` pieces of speech and their rates: utterances of LibriSpeech cut at 8 s, or cuts of the voice."""
    paths = sorted(path for path in (data or Path()).glob("librispeech*/**/*.flac")) if data else []
    made = 0
    for path in paths:
        samples, rate = read(path)
        for start in range(0, max(len(samples) - 2 * rate, 1), 8 * rate):
            if made == count:
                return
            made += 1
            yield samples[start : start + 8 * rate], rate
    long = spoken.lasting(5.0 * (count - made) or 1.0)
    for start in range(0, (count - made) * 5 * RATE, 5 * RATE):
        yield long[start : start + 5 * RATE], RATE


def short_files(data: Path | None, spoken: Voice, folder: Path, count: int) -> tuple[list[Path], str]:
    """Recordings of one digit, 8 kHz WAV: of FSDD where it is there, else cuts of the voice."""
    paths = sorted((data / "fsdd" / "recordings").glob("*.wav")) if data else []
    if paths:
        step = max(len(paths) // count, 1)
        return paths[::step][:count], "FSDD"
    samples = _at(8_000, spoken.lasting(0.44 * count), RATE)
    files = []
    for place, cut in enumerate(np.array_split(samples, count)):
        files.append(folder / f"short-{place:03}.wav")
        if not files[-1].exists():
            encode(files[-1], cut, 8_000, FORMATS["WAV16"])
    return files, "cuts of the voice as 8 kHz WAV"


def encode(path: Path, samples: Audio, rate: int, how: Format) -> None:
    """Write a file, whole or not at all. Raises BenchError where the encoder is not there."""
    partly = path.with_name(f"partly-{path.name}")
    try:
        if how.container:
            with soundfile.SoundFile(partly, "w", rate, 1, how.coding, format=how.container) as file:
                for start in range(0, len(samples), BLOCK):
                    file.write(samples[start : start + BLOCK])
        else:
            _aac(partly, samples, rate)
    except (RuntimeError, soundfile.SoundFileError, ImportError) as error:
        partly.unlink(missing_ok=True)
        raise BenchError(f"{path}: cannot be encoded ({error})") from error
    partly.replace(path)


def _aac(path: Path, samples: Audio, rate: int) -> None:
    import av

    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=rate, layout="mono")
        for start in range(0, len(samples), BLOCK):
            frame = av.AudioFrame.from_ndarray(samples[None, start : start + BLOCK], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = rate, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def make_files(
    spoken: Voice, folder: Path, formats: Sequence[str], lengths: Sequence[float], done: Callable[[int], None]
) -> dict[tuple[str, float], Path]:
    """A file for each format and length; those that are there are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for length in lengths:
        samples = spoken.lasting(length)
        for name in formats:
            path = folder / f"{name}-{length:g}{FORMATS[name].suffix}"
            if not path.exists():
                encode(path, samples, RATE, FORMATS[name])
            files[name, length] = path
            done(1)
    return files

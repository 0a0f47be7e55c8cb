"""Files that are not what they say, made of good ones."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from audiodecode.frames import mpeg_frame
from bench.loading.sounds import FORMATS, RATE, Audio, Voice, encode

LONG_S = 60.0


@dataclass(frozen=True, slots=True)
class BadFile:
    """A file, what is wrong with it, and how many samples of sound it holds: a loader can give them, or refuse."""

    name: str
    path: Path
    samples: int


def bad_files(spoken: Voice, folder: Path) -> list[BadFile]:
    """Make them all: cut short, without their length, with a wrong one, under another name, no sound at all."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = spoken.lasting(5.0)
    good = {}
    for name in ("WAV16", "FLAC", "Vorbis", "MP3", "Opus"):
        good[name] = folder / f"good-{name}{FORMATS[name].suffix}"
        if not good[name].exists():
            encode(good[name], samples, RATE, FORMATS[name])
    files = [_cut(name, path, folder, len(samples)) for name, path in good.items()]
    wav = good["WAV16"].read_bytes()
    where = wav.index(b"data") + 4
    for label, size in (("0", 0), ("0xFFFFFFFF", 0xFFFFFFFF), ("twice too large", 4 * len(samples))):
        data = wav[:where] + struct.pack("<I", size) + wav[where + 4 :]
        files.append(
            _write(folder / f"says-{label.replace(' ', '-')}.wav", f"WAV whose size says {label}", data, samples)
        )
    files.append(_write(folder / "mp3.wav", "MP3 called .wav", good["MP3"].read_bytes(), samples))
    headerless = _headerless(spoken.lasting(LONG_S), folder)
    files.append(BadFile("VBR MP3 without its first frame (Xing)", headerless, round(LONG_S * RATE)))
    nothing = samples[:0]
    files.append(_write(folder / "empty.wav", "empty file", b"", nothing))
    files.append(_write(folder / "text.wav", "text called .wav", b"These are words, not sound.\n" * 40, nothing))
    return files


def _write(path: Path, name: str, data: bytes, samples: Audio) -> BadFile:
    path.write_bytes(data)
    return BadFile(name, path, len(samples))


def _cut(name: str, path: Path, folder: Path, samples: int) -> BadFile:
    """Its first three fifths; what a loader gives of it is told as a share of the whole."""
    data = path.read_bytes()
    cut = folder / f"cut{path.suffix}"
    cut.write_bytes(data[: len(data) * 3 // 5])
    return BadFile(f"{name} cut at 60 % of its bytes", cut, samples)


def _headerless(samples: Audio, folder: Path) -> Path:
    """A VBR MP3 whose first frame, which tells its length, is gone. It begins with noise, which takes many bits: who
    guesses the length by the first frames guesses too little.
    """
    noise = np.random.default_rng(0).normal(0, 0.3, RATE).clip(-1, 1).astype(np.float32)
    samples = np.concatenate([noise, 0.3 * samples[len(noise) :]])
    whole, path = folder / "vbr.mp3", folder / "headerless.mp3"
    with soundfile.SoundFile(
        whole, "w", RATE, 1, "MPEG_LAYER_III", format="MP3", bitrate_mode="VARIABLE", compression_level=0.5
    ) as file:
        file.write(samples)
    data = whole.read_bytes()
    frame = mpeg_frame(data[:4])
    path.write_bytes(data[frame.size :] if frame and b"Xing" in data[: frame.size] else data)
    return path


def outcome(expected: int, answer: Mapping[str, object]) -> str:
    """What a loader did, in words: refused, all of it, or how much of it without a word."""
    if error := answer.get("error"):
        return f"refused: {error}" if not answer.get("died") else f"died: {error}"
    samples = int(str(answer["samples"]))
    if not expected:
        return f"{samples} samples, silently" if samples else "no samples, silently"
    share = samples / expected
    return "all" if 0.97 <= share <= 1.03 else f"{100 * share:.0f} %, silently"

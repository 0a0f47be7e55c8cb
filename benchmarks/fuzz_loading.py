"""Files that something happened to, read in a process of little memory and time.

    python -m benchmarks.fuzz_loading --files 10000

Of each format so many files are made from a good one: bytes changed, cut out, doubled, zeroed, the end cut off. Each is
read by ``audiodecode.load``, as it is and ``strict``. Counted are crashes and hangs of the process, errors that are
none of the package's, samples that are not finite, strict readings that are not the begin of the others (which may go
on into what follows the samples, or be none, as librosa's are where the size that is stated is 0 or too much), and
samples that are not soundfile's. MP3 is compared by its rate alone, as its frames may have been counted.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import subprocess
import sys
from collections import Counter
from typing import Any

import numpy as np

import audiodecode
from benchmarks.arguments import count

FORMATS = ("WAV", "WAV24", "RF64", "W64", "AIFF", "FLAC", "OGG", "OPUS", "MP3")
_MEMORY, _SECONDS = 3 << 30, 20  # bytes of address space; of processor time for a file


def main() -> int:
    """Print a line for each format; 1 where one crashed, hung or lied."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=count, default=10_000, help="mutated files of each format")
    parser.add_argument("--formats", nargs="+", default=FORMATS, choices=FORMATS)
    parser.add_argument("--worker", nargs=2, type=int, metavar=("FIRST", "LAST"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        _work(given.formats[0], *given.worker)
        return 0
    bad = 0
    for format in given.formats:
        counts = fuzz(format, given.files)
        bad += sum(count for what, count in counts.items() if what not in ("files", "read", "rejected", "strict"))
        print(f"{format:6}", *(f"{what} {count:,}" for what, count in counts.items()), sep="  ", flush=True)
    return bool(bad)


def fuzz(format: str, files: int) -> Counter[str]:
    """What happened to so many mutated files of a format, in processes that are made anew after a crash."""
    counts, at = Counter[str](files=files), 0
    while at < files:
        command = [
            sys.executable,
            "-m",
            "benchmarks.fuzz_loading",
            "--formats",
            format,
            "--worker",
            str(at),
            str(files),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for line in lines:
            counts.update(line)
        at += len(lines)
        if at < files and done.returncode:  # the file after the last that was answered
            counts["hung" if done.returncode == -24 else "crashed"] += 1
            at += 1
    return counts


def _work(format: str, first: int, last: int) -> None:
    """A line of what was found for each file."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    good = example(format)
    for number in range(first, last):
        spent = resource.getrusage(resource.RUSAGE_SELF)
        used = int(spent.ru_utime + spent.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (used + _SECONDS, resource.RLIM_INFINITY))
        print(json.dumps(checked(format, mutated(good, number))), flush=True)


def example(format: str) -> bytes:
    """A short stereo file."""
    import soundfile

    name, subtype = {"WAV24": ("WAV", "PCM_24"), "OPUS": ("OGG", "OPUS")}.get(format, (format, None))
    audio = np.random.default_rng(0).normal(0, 0.1, (4_000, 2)).clip(-1, 1)
    file = io.BytesIO()
    soundfile.write(file, audio, 16_000, subtype, format=name)
    return file.getvalue()


def mutated(good: bytes, number: int) -> bytes:
    """One to four things done to the bytes; half of them in the first hundred, where headers are."""
    random = np.random.default_rng(number)
    data = bytearray(good)
    for _ in range(random.integers(1, 5)):
        at = int(random.integers(0, min(100, len(data)) if random.random() < 0.5 else len(data))) if data else 0
        size = int(random.integers(1, 9))
        match random.integers(0, 5):
            case 0:
                data[at : at + size] = random.bytes(size)
            case 1:
                data[at : at + size] = bytes([random.choice([0, 0x7F, 0x80, 0xFF])]) * size
            case 2:
                del data[at : at + size]
            case 3:
                data[at:at] = data[at : at + 20 * size]
            case _:
                if random.random() < 0.3:
                    del data[at:]
    return bytes(data)


def checked(format: str, data: bytes) -> list[str]:
    """What was found, by the words that are counted."""
    words = list[str]()
    samples = list[tuple[Any, float] | None]()
    for strict in (False, True):
        try:
            samples.append(audiodecode.load(data, sr=None, strict=strict))
        except audiodecode.UnreadableError:
            samples.append(None)
        except Exception as error:
            return [f"raised {type(error).__name__}"]
    loose, strictly = samples
    words.append("read" if loose else "rejected")
    if strictly:
        words.append("strict")
    if loose and not np.isfinite(loose[0]).all():
        words.append("not finite")
    if strictly and loose and loose[0].size and not np.array_equal(loose[0][: len(strictly[0])], strictly[0]):
        words.append("strict differs")
    if loose and not _as_soundfile(format, data, *loose):
        words.append("not soundfile's")
    return words


def _as_soundfile(format: str, data: bytes, audio: object, rate: float) -> bool:
    """Whether soundfile, where it reads the file, reads the same."""
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:  # without the seek of soundfile.read, as librosa
            theirs, their_rate = sound.read(dtype="float32", always_2d=True), sound.samplerate
    except (soundfile.LibsndfileError, MemoryError, ValueError):
        return True
    expected = np.mean(theirs.T, axis=0)
    if format == "MP3":
        return bool(rate == their_rate)
    return bool(rate == their_rate and np.array_equal(np.asarray(audio), expected))


if __name__ == "__main__":
    sys.exit(main())

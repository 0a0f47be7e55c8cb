"""A corpus for when there is no other: any vocabulary, spoken by the voices of espeak-ng.

The library and its voices come in the wheel ``espeakng-loader``. Synthetic speech is far easier to recognise than
people, so a figure made on it says that the machinery works and nothing about accuracy.
"""

from __future__ import annotations

import csv
import ctypes
import hashlib
import json
import multiprocessing
import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from bench.audio import write
from bench.corpora.base import Corpus
from bench.corpora.listing import STANDARD, read_listing
from bench.corpora.scan import Progress, scan
from bench.errors import BenchError

SPEAKERS = ("en-us+m3", "en-us+f2", "en-gb-scotland+m7", "en-gb-x-rp+f4", "en-029+m1", "en-us-nyc+f5")
"""Accent + voice variant, as espeak-ng names them."""
VOICES = ("m3", "f2", "m7", "f4", "m1", "f5")
"""Variants of another language's voice."""
TAKES = 10
NOTICE = "SYNTHETIC: the clips are spoken by espeak-ng voices, not by people. The figures test the machinery only."

_PACKAGE = "espeakng-loader"
_FORMAT = 1  # raised when the clips change for the same parameters


@dataclass(frozen=True, slots=True)
class Utterance:
    """One clip to be spoken: ``rate`` in words per minute, ``pitch`` 0-99."""

    path: str
    text: str
    label: str
    speaker: str
    rate: int
    pitch: int
    split: str


def open_synthetic(
    vocabulary: Mapping[str, Sequence[str]],
    cache: Path,
    speakers: Sequence[str] = SPEAKERS,
    takes: int = TAKES,
    progress: Progress | None = None,
) -> Corpus:
    """Each label's first spoken form, by every speaker, ``takes`` times; the first fifth of the takes is test.

    The clips are made once and kept in ``cache``. Raises BenchError when espeak-ng is not installed or cannot speak.
    """
    try:
        release = version(_PACKAGE)
    except PackageNotFoundError:
        raise BenchError(f"the synthetic corpus needs {_PACKAGE}: pip install 'digitbench[synthetic]'") from None
    utterances = plan(vocabulary, speakers, takes)
    if not utterances:
        raise BenchError("the synthetic corpus needs at least one label, one speaker and two takes")
    recipe = json.dumps([_FORMAT, release, [asdict(utterance) for utterance in utterances]])
    folder = cache / f"synthetic-{hashlib.sha256(recipe.encode()).hexdigest()[:16]}"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / f"{folder.name}.lock"):
            if not folder.exists():
                with TemporaryDirectory(dir=cache, prefix="synthetic-") as work:
                    staging = Path(work, "made")
                    staging.mkdir()
                    _speak_apart(utterances, staging)
                    staging.rename(folder)
    except OSError as error:
        raise BenchError(f"{cache}: the synthetic corpus cannot be written there ({error.strerror or error})") from None
    clips, rejected = scan(folder, read_listing(folder / STANDARD), len(utterances), progress)
    return Corpus("synthetic", folder, clips, rejected, f"espeak-ng voices ({_PACKAGE} {release})", NOTICE)


def speakers_of(language: str) -> tuple[str, ...]:
    """The voices of a language as espeak-ng names it, "de" or "pt-BR". Raises BenchError for what cannot be a name."""
    if not re.fullmatch("[A-Za-z0-9-]+", language):
        raise BenchError(f"synthetic:{language}: a language is named as espeak-ng does: synthetic:de, synthetic:pt-BR")
    return tuple(f"{language}+{voice}" for voice in VOICES)


def plan(vocabulary: Mapping[str, Sequence[str]], speakers: Sequence[str], takes: int) -> list[Utterance]:
    """What is to be spoken. A speaker's takes differ in rate and pitch, no two alike; labels share them."""
    tests = max(1, takes // 5)
    return [
        Utterance(
            path=f"{quote(label, safe='')}_{speaker}_{take}.wav",
            text=spoken[0],
            label=label,
            speaker=speaker,
            rate=120 + 25 * (take % 5) + take // 5,
            pitch=30 + 7 * (take * 3 % 7),
            split="test" if take < tests else "train",
        )
        for speaker in speakers
        for label, spoken in vocabulary.items()
        for take in range(takes if takes > 1 else 0)
    ]


def speak(utterances: Sequence[Utterance], folder: Path) -> None:
    """Write each utterance and the listing of all. Run in a process of its own: the library's state is global."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    os.chdir(Path(espeakng_loader.get_data_path()).parent)  # the library copies the path into a short buffer
    synchronous, no_exit, utf8, rate_parameter, pitch_parameter = 2, 0x8000, 1, 1, 3
    sample_rate = library.espeak_Initialize(synchronous, 0, b".", no_exit)
    if sample_rate <= 0:
        raise BenchError(f"espeak-ng cannot start (error {sample_rate}); reinstall {_PACKAGE}")
    chunks: list[NDArray[np.int16]] = []

    def keep(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int | None) -> int:
        if samples and count:
            chunks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    signature = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    callback = signature(keep)  # a name holds it: ctypes does not
    library.espeak_SetSynthCallback(callback)
    voice = ""
    for utterance in utterances:
        if utterance.speaker != voice and library.espeak_SetVoiceByName(utterance.speaker.encode()):
            raise BenchError(f"espeak-ng has no voice {utterance.speaker!r}")
        voice = utterance.speaker
        library.espeak_SetParameter(rate_parameter, utterance.rate, 0)
        library.espeak_SetParameter(pitch_parameter, utterance.pitch, 0)
        library.espeak_ng_SetRandSeed(ctypes.c_long(0))  # breath is noise: the same clip every time
        text = utterance.text.encode()
        chunks.clear()
        failed = library.espeak_Synth(text, ctypes.c_size_t(len(text) + 1), 0, 1, 0, utf8, None, None)
        if failed or not chunks:
            raise BenchError(f"espeak-ng cannot speak {utterance.text!r} with voice {voice}")
        audio = (np.concatenate(chunks) / 32768).astype(np.float32)
        write(folder / utterance.path, audio, sample_rate)
    write_listing(folder / STANDARD, utterances)


def write_listing(path: Path, utterances: Sequence[Utterance]) -> None:
    """The CSV that :func:`bench.corpora.listing.read_listing` reads back."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("path", "label", "speaker", "split"))
        out.writerows((row.path, row.label, row.speaker, row.split) for row in utterances)


def _speak_apart(utterances: Sequence[Utterance], folder: Path) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        try:
            process.submit(speak, utterances, folder.resolve()).result()
        except BrokenProcessPool:
            raise BenchError(f"espeak-ng crashed; reinstall {_PACKAGE}, or give recordings with --data") from None

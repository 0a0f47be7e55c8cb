"""Noise and how it is added: white, pink, babble of other speakers, segments of recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audiodecode.limits import UNLIMITED
from bench.audio import Audio, read
from bench.conditions.resources import Resources, Voice
from bench.errors import BenchError
from sound.level import active_level, limited, rms_level
from sound.resample import resample

TALKERS = 6
LOWEST_HZ = 20.0
AUDIBLE_DB = 6.0
HOP_S = 0.01

Noise = NDArray[np.float64]


def mix(speech: Audio, noise: NDArray[np.floating], snr_db: float, rate: int) -> Audio:
    """Speech plus noise, ``snr_db`` = active level of the speech (P.56) less rms level of the noise over the clip.

    The sum is scaled down as a whole where it would clip. A silent clip has no SNR and comes back as it is; silent
    noise raises BenchError.
    """
    level = active_level(speech, rate)
    if level == -np.inf:
        return speech
    noise_level = rms_level(noise.astype(np.float32))
    if noise_level == -np.inf:
        raise BenchError("the noise is silent: no SNR can be reached with it")
    gain = 10 ** ((level - snr_db - noise_level) / 20)
    return limited(speech.astype(np.float64) + gain * noise)


def noise_like(
    name: str, samples: int, rate: int, speaker: str | None, resources: Resources, rng: np.random.Generator
) -> Noise:
    """``samples`` of the noise named. Raises BenchError where there is none of that name, or babble has no voices."""
    match name.lower():
        case "white":
            return coloured(samples, rate, 0.0, rng)
        case "pink":
            return coloured(samples, rate, 1.0, rng)
        case "babble":
            return babble(samples, rate, speaker, resources.voices, rng)
    path = resources.noise_file(name)
    recording = resources.recording(path, rate)
    start = audible(resources.energy(path, rate), samples, rate, rng)
    return np.resize(recording[start:], samples).astype(np.float64)


def coloured(samples: int, rate: int, slope: float, rng: np.random.Generator) -> Noise:
    """Gaussian noise whose power falls with frequency to the power of ``slope`` above 20 Hz: 0 white, 1 pink."""
    white = rng.standard_normal(samples)
    if slope == 0 or samples < 2:
        return white
    frequency = np.fft.rfftfreq(samples, 1 / rate)
    shaped = np.fft.rfft(white) * np.maximum(frequency, LOWEST_HZ) ** (-slope / 2)
    return np.fft.irfft(shaped, samples)


def audible(energy: Noise, samples: int, rate: int, rng: np.random.Generator) -> int:
    """Where to begin a piece of a recording in which it is within 6 dB of its own rms level or louder.

    Elsewhere, a recording of a cat would be a recording of a quiet room. ``energy`` is that of the first 0, 1, 2 ...
    samples. A recording that is too short is begun at its start (and repeated by the caller).
    """
    length = len(energy) - 1
    if length <= samples:
        return 0
    starts = np.arange(0, length - samples + 1, max(1, round(HOP_S * rate)))
    power = (energy[starts + samples] - energy[starts]) / samples
    loud = starts[power >= min(power.max(), energy[-1] / length * 10 ** (-AUDIBLE_DB / 10))]
    return int(rng.choice(loud))


def babble(samples: int, rate: int, speaker: str | None, voices: tuple[Voice, ...], rng: np.random.Generator) -> Noise:
    """Six talkers at once, equally loud, each saying clips of one speaker, one after another without a pause.

    They are drawn from all other speakers, each once before anyone has a second part. Raises BenchError where the
    clip's speaker is unknown, or nobody else is there.
    """
    if speaker is None:
        raise BenchError("babble is made of other speakers' clips: this corpus does not say who speaks")
    by_speaker: dict[str, list[Voice]] = {}
    for voice in voices:
        if voice.speaker is not None and voice.speaker != speaker:
            by_speaker.setdefault(voice.speaker, []).append(voice)
    if not by_speaker:
        raise BenchError("babble is made of other speakers' clips: this corpus has one speaker")
    names = sorted(by_speaker)
    order = [names[index] for _ in range(-(-TALKERS // len(names))) for index in rng.permutation(len(names))]
    talkers = [_talker(by_speaker[name], samples, rate, rng) for name in order[:TALKERS]]
    together: Noise = np.sum(talkers, axis=0)
    return together


def _talker(voices: list[Voice], samples: int, rate: int, rng: np.random.Generator) -> Noise:
    """One talker at an active level of 0 dB, beginning in the middle of a clip."""
    parts: list[Audio] = []
    wanted, tries = samples, 0
    while wanted > 0:
        audio, own_rate = read(voices[int(rng.integers(len(voices)))].path, UNLIMITED)
        audio = resample(audio, own_rate, rate)
        level = active_level(audio, rate)
        tries += 1
        if level == -np.inf:
            if tries > 100 and not parts:
                raise BenchError("babble is made of other speakers' clips: one of them has only silent ones")
            continue
        spoken = audio / np.float32(10 ** (level / 20))
        parts.append(spoken[int(rng.integers(len(spoken))) :] if not parts else spoken)
        wanted -= len(parts[-1])
    return np.concatenate(parts)[:samples].astype(np.float64)

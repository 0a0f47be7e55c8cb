"""Reverberation: measured impulse responses and simulated rooms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.audio import Audio
from bench.errors import BenchError
from sound.level import active_level, limited

ROOMS = 8
"""Simulated rooms per reverberation time; a clip is in one of them."""
SMALLEST_M, LARGEST_M = (3.0, 3.0, 2.4), (8.0, 6.0, 3.2)
NEAREST_M = 1.0
TOLERANCE = 0.05
MOST_REFLECTIONS = 80
BEFORE_S = 0.001

Response = NDArray[np.float64]


def reverberate(audio: Audio, response: NDArray[np.floating], rate: int) -> Audio:
    """Convolved, as long as before, the direct sound where it was, at the same active speech level.

    What rings on after the clip's end is cut off. Scaled down as a whole where it would clip.
    """
    from scipy.signal import fftconvolve

    level = active_level(audio, rate)
    if level == -np.inf:
        return audio
    direct = direct_path(response, rate)
    first = max(0, direct - round(BEFORE_S * rate))
    start = direct - first
    wet = fftconvolve(audio.astype(np.float64), response[first:])[start : start + len(audio)]
    change = level - active_level(wet.astype(np.float32), rate)
    return limited(wet * 10 ** (change / 20)) if np.isfinite(change) else audio


def direct_path(response: NDArray[np.floating], rate: int) -> int:
    """Sample of the direct sound: the peak of the first ms that reaches half of the response's largest value."""
    size = np.abs(response)
    if not size.max(initial=0.0):
        raise BenchError("the impulse response is silent")
    first = int(np.argmax(size >= size.max() / 2))
    return first + int(np.argmax(size[first : first + max(1, round(BEFORE_S * rate))]))


def reverberation_time(response: NDArray[np.floating], rate: int) -> float:
    """RT60 in seconds: Schroeder integration (1965) from the direct sound on, T20 of ISO 3382 (-5 to -25 dB)."""
    tail = response[direct_path(response, rate) :].astype(np.float64)
    decay = np.cumsum(tail[::-1] ** 2)[::-1]
    db = 10 * np.log10(decay / decay[0] + 1e-30)
    used = np.flatnonzero((db <= -5) & (db >= -25))
    if len(used) < 2:
        return 0.0
    slope = float(np.polyfit(used / rate, db[used], 1)[0])
    return -60 / slope


def simulate(rt60: float, rate: int, number: int, seed: int) -> Response:
    """Impulse response of a shoebox room (image sources, pyroomacoustics) whose measured RT60 is within 5 %.

    Size (3-8 x 3-6 x 2.4-3.2 m) and places of speaker and microphone (a metre or more apart) follow from number and
    seed alone. Absorption starts from Sabine's formula and is corrected by what was measured, since image sources in
    an empty box ring for longer. Raises BenchError where no absorption gives that time.
    """
    import pyroomacoustics

    rng = np.random.default_rng([seed, number])
    size = rng.uniform(SMALLEST_M, LARGEST_M)
    source, microphone = size * rng.uniform(0.15, 0.85, (2, 3))
    while np.linalg.norm(source - microphone) < NEAREST_M:
        source, microphone = size * rng.uniform(0.15, 0.85, (2, 3))
    asked = rt60
    for _ in range(12):
        try:
            absorption, order = pyroomacoustics.inverse_sabine(asked, size)
        except ValueError:
            break
        room = pyroomacoustics.ShoeBox(
            size,
            fs=rate,
            materials=pyroomacoustics.Material(absorption),
            max_order=min(order, MOST_REFLECTIONS),
        )
        room.add_source(source)
        room.add_microphone(microphone)
        room.compute_rir()
        response: Response = np.asarray(room.rir[0][0], dtype=np.float64)
        measured = reverberation_time(response, rate)
        if abs(measured / rt60 - 1) <= TOLERANCE:
            return response
        asked *= rt60 / max(measured, rt60 / 4)
    raise BenchError(f"reverb:room@{rt60:g}s: no such room of {' x '.join(f'{side:.1f}' for side in size)} m")

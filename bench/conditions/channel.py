"""What lies between speaker and recogniser: bands, codecs, gain, lost packets."""

from __future__ import annotations

import io

import numpy as np

from bench.audio import Audio
from sound.level import limited
from sound.resample import resample
from sound.tempo import fitted

BAND_HZ = (300.0, 3400.0)
TRANSITION_HZ = 200.0
STOP_DB = 60.0
PACKET_S = 0.02


def telephone(audio: Audio, rate: int) -> Audio:
    """300-3400 Hz by a linear-phase Kaiser FIR, -6 dB at both ends, 60 dB down 100 Hz beyond; its delay is removed."""
    from scipy.signal import fftconvolve, firwin, kaiserord

    taps, beta = kaiserord(STOP_DB, TRANSITION_HZ / (rate / 2))
    band = BAND_HZ if rate / 2 > BAND_HZ[1] + TRANSITION_HZ / 2 else BAND_HZ[:1]
    response = firwin(taps | 1, band, window=("kaiser", beta), pass_zero=False, fs=rate)
    delay = len(response) // 2
    return limited(fftconvolve(audio.astype(np.float64), response)[delay : delay + len(audio)])


def mulaw(audio: Audio, rate: int) -> Audio:
    """Through G.711 mu-law at 8 kHz and back to the clip's rate."""
    return _coded(audio, rate, "pcm_mulaw", "wav", 8_000, 64_000)


def mp3(audio: Audio, rate: int, kilobits: float) -> Audio:
    """Through MP3 (LAME, constant bit rate) and back. Below 32 kbit/s it is coded at 24 kHz or less."""
    rates = (8_000, 16_000, 24_000) if kilobits < 32 else (8_000, 16_000, 24_000, 32_000, 48_000)
    return _coded(audio, rate, "libmp3lame", "mp3", _at_least(rate, rates), round(kilobits * 1000))


def opus(audio: Audio, rate: int, kilobits: float) -> Audio:
    """Through Opus (libopus for speech, constant bit rate) and back."""
    rates = (8_000, 12_000, 16_000, 24_000, 48_000)
    options = {"application": "voip", "vbr": "off"}
    return _coded(audio, rate, "libopus", "ogg", _at_least(rate, rates), round(kilobits * 1000), options)


def gain(audio: Audio, decibels: float) -> Audio:
    """Amplified, then clipped at full scale."""
    return np.clip(audio.astype(np.float64) * 10 ** (decibels / 20), -1, 1).astype(np.float32)


def silence(audio: Audio, rate: int, before_s: float, after_s: float) -> Audio:
    """With zeros before and after."""
    return np.pad(audio, (round(before_s * rate), round(after_s * rate)))


def drop(audio: Audio, rate: int, share: float, rng: np.random.Generator) -> Audio:
    """Packets of 20 ms, each lost with probability ``share``, are zeros. What is lost at 5 % is lost at 10 % too."""
    packet = max(1, round(PACKET_S * rate))
    lost = rng.random(-(-len(audio) // packet)) < share
    return np.where(np.repeat(lost, packet)[: len(audio)], np.float32(0), audio)


def _at_least(rate: int, allowed: tuple[int, ...]) -> int:
    return next((each for each in allowed if each >= rate), allowed[-1])


def _coded(
    audio: Audio,
    rate: int,
    codec: str,
    container: str,
    coding_rate: int,
    bit_rate: int,
    options: dict[str, str] | None = None,
) -> Audio:
    """Encoded into a file in memory and decoded from it: the file says how much delay its reader must drop."""
    import av

    file = io.BytesIO()
    source = limited(resample(audio, rate, coding_rate))
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=coding_rate, layout="mono", options=options or {})
        stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(source[None], format="fltp", layout="mono")
        frame.sample_rate = coding_rate
        for part in (frame, None):
            out.mux(stream.encode(part))
    file.seek(0)
    with av.open(file, "r") as read:
        to_float = av.AudioResampler(format="flt", layout="mono")
        frames = [*read.decode(audio=0), None]
        decoded_rate = read.streams.audio[0].rate
        parts = [part.to_ndarray()[0] for frame in frames for part in to_float.resample(frame)]
    decoded = np.concatenate(parts) if parts else np.zeros(1, np.float32)
    return limited(fitted(resample(decoded, decoded_rate, rate), len(audio)))

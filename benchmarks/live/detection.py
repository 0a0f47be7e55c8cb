"""Digits found, false triggers and decision times, by detector, noise and SNR, on the sample clock."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from benchmarks.live.sounds import NOISES, Said, digits, matched, noise, noisy
from sound.activity import RATE, detectors
from sound.segment import End, Segmenter, Speculation

DETECTORS = ("silero", "energy")
LEVEL_DB = -26.0
SNRS = (20.0, 10.0, 5.0)


def measure(data: Path, count: int) -> dict[str, Any]:
    """A row for each detector, noise and SNR; and one for noise alone, in which nobody speaks."""
    recording = digits(count, RATE, LEVEL_DB)
    rows = list[dict[str, Any]]()
    for detector in DETECTORS:
        rows.append({"detector": detector, "noise": "quiet", "snr_db": None, **cut(recording, detector)})
        for name in NOISES:
            sound = noise(data, name, RATE)
            for snr in SNRS:
                rows.append(
                    {"detector": detector, "noise": name, "snr_db": snr, **cut(noisy(recording, sound, snr), detector)}
                )
            rows.append(
                {"detector": detector, "noise": name, "snr_db": "noise alone", **cut(Said(sound, RATE, ()), detector)}
            )
    return {"digits": count, "rows": rows}


def cut(recording: Said, detector: str) -> dict[str, Any]:
    """Found: digits of which exactly one segment was cut. False triggers: segments in which there is none."""
    segmenter = Segmenter(detectors(detector)())
    began = time.process_time()
    events = segmenter.push(recording.audio) + segmenter.finish()
    cpu_s = time.process_time() - began
    counts = [0] * len(recording.spans)
    false, early, late, held = 0, list[float](), list[float](), 0.0
    guesses = {event.segment.utterance: event.at for event in events if isinstance(event, Speculation)}
    for event in events:
        if not isinstance(event, End):
            continue
        onset_s, offset_s = event.segment.onset / RATE, event.segment.offset / RATE
        held = max(held, offset_s - onset_s)
        place = matched(recording.spans, onset_s, offset_s) if recording.spans else None
        if place is None:
            false += 1
            continue
        counts[place] += 1
        late.append(event.at / RATE - recording.spans[place][1])
        early.append(guesses.get(event.segment.utterance, event.at) / RATE - recording.spans[place][1])
    return {
        "found": sum(each == 1 for each in counts),
        "false_a_minute": 60 * false / recording.seconds,
        "longest_s": held,
        "cpu_ms_a_second": 1e3 * cpu_s / recording.seconds,
        "guess_s": early,
        "decision_s": late,
    }

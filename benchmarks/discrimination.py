"""Can the harness tell the same from the different?

One backend under two names, and once more with a planted 5 % delay, timed together many times over.
``python -m benchmarks.discrimination`` prints how often the interval of the paired ratio was right.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import numpy as np
import pandas as pd
from rich.console import Console

from backends import find
from backends.base import Asked, Audio, Backend, Prediction
from bench import tasks
from bench.cells import Known, clip_table, job
from bench.conditions import Resources, Treatments
from bench.config import Config
from bench.context import Context
from bench.corpora import open_corpus
from bench.phases.latency import Contender, latency
from bench.progress import Plain
from bench.stats import Interval, time_ratio
from benchmarks.arguments import count


class First(Backend):
    """About a millisecond of spectra, and a label that follows from them."""

    name: ClassVar[str] = "first"
    sample_rate: ClassVar[int] = 8_000
    delay: ClassVar[float] = 0.0

    def load(self) -> None:
        self._window = np.hanning(256).astype(np.float32)

    def predict(self, audio: Audio) -> Prediction:
        began = time.perf_counter()
        frames = np.lib.stride_tricks.sliding_window_view(np.pad(audio, 256), 256)[::4]
        energy = np.log(np.abs(np.fft.rfft(frames * self._window)) + 1e-6).mean()
        label = self.labels[int(abs(energy) * 1e3) % len(self.labels)]
        until = time.perf_counter() + self.delay * (time.perf_counter() - began)
        while time.perf_counter() < until:
            pass
        return Prediction(label)


class Second(First):
    """The same under another name."""

    name: ClassVar[str] = "second"


class Slower(First):
    """The same with 5 % more work."""

    name: ClassVar[str] = "slower"
    delay: ClassVar[float] = 0.05


def main() -> None:
    """Time the three over and over; print the tally."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=count, default=20)
    parser.add_argument("--clips", type=count, default=700, help="timed calls per backend and run, over five processes")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        runs = [_ratios(seed, arguments.clips, Path(folder)) for seed in range(arguments.runs)]
    same, slower = ([run[name] for run in runs] for name in ("second", "slower"))
    held = sum(interval.low <= 1 <= interval.high for interval in same)
    detected = sum(interval.low > 1 for interval in slower)
    wanted = round(0.9 * len(runs))
    print(f"the same backend twice: interval holds 1 in {held} of {len(runs)} runs (bound: {wanted}),")
    print(f"    median ratio {np.median([interval.value for interval in same]):.4f} (bound: within 2 % of 1)")
    print(f"5 % slower: told apart in {detected} of {len(runs)} runs (bound: {wanted}),")
    print(f"    median ratio {np.median([interval.value for interval in slower]):.4f}")
    middle = float(np.median([interval.value for interval in same]))
    raise SystemExit(0 if min(held, detected) >= wanted and abs(middle - 1) <= 0.02 else 1)


def _ratios(seed: int, calls: int, folder: Path) -> dict[str, Interval]:
    config = replace(Config(), backends=("chance",), splits=("official",), seed=seed, latency_clips=calls)
    corpus = open_corpus(config.corpus, config.vocabulary, fallback=True)
    clips, _, _ = clip_table(config, corpus)
    specs = [find(f"{__file__}:{name}") for name in ("First", "Second", "Slower")]
    known = [Known(job(config, spec), False, "all", (), {}, 0) for spec in specs]
    contenders = [Contender(each, None) for each in known]
    quiet, task = Plain(Console(quiet=True)), tasks.find(config.task)(Asked(config.task, config.vocabulary))
    context = Context(folder, clips, task, quiet, Treatments.of((), folder, seed, Resources()))
    share, failures = latency(config, 1, contenders, context)
    if failures:
        raise SystemExit(f"{failures[0].backend}: {failures[0].reason}")
    timed = pd.DataFrame(share.calls).query("not warmup")
    took = timed.assign(latency_s=timed["resample_s"] + timed["predict_s"]).set_index(["process", "round", "clip"])
    first, *others = (took[took["backend"] == each.name]["latency_s"] for each in known)
    rounds, processes = (first.index.get_level_values(level) for level in ("round", "process"))
    return {
        name: time_ratio(other.loc[first.index], first, rounds, processes, seed=seed)
        for name, other in zip(("second", "slower"), others, strict=True)
    }


if __name__ == "__main__":
    main()

"""``digitbench rejection``: sounds, what backends heard, figures, a page of Markdown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from bench.config import Config
from bench.errors import BenchError
from bench.progress import Reporter
from bench.rejection.figures import RECALL, Figures, confirmed, figures
from bench.rejection.measure import measure
from bench.rejection.sounds import DIGIT, NOISE, OTHER, SPEECH, Sounds, data_folder, find_sounds
from bench.rejection.words import DEV, TEST
from bench.report.text.markdown import code
from bench.stats.intervals import Interval

BACKENDS = ("whisper-closed:tiny.en", "whisper-probe:tiny.en", "mfcc-lite")
CONFIRMED = (("whisper-probe:tiny.en", "whisper-closed:tiny.en"), ("mfcc-lite", "whisper-closed:tiny.en"))
"""Whose answer is confirmed by whom."""


def rejection(config: Config, out: Path, limit: int | None, reporter: Reporter) -> Path:
    """Measure what is not measured yet and write ``report.md`` and ``figures.json``. Raises BenchError."""
    data = data_folder()
    with reporter.wait("cutting words and utterances"):
        sounds = find_sounds(data, limit=limit)
    files = measure(config, sounds, data, out, reporter)
    predictions = {name: pd.read_parquet(path) for name, path in files.items()}
    for name, rows in predictions.items():
        if rows["certainty"].isna().any():
            raise BenchError(f"{name}: it does not say how sure it is, so nothing can be rejected")
    labels = tuple(config.vocabulary)
    for first, second in CONFIRMED:
        if first in predictions and second in predictions:
            predictions[f"{first}, confirmed by {second}"] = confirmed(predictions[first], predictions[second], labels)
    try:
        results = [figures(name, rows, sounds.minutes) for name, rows in predictions.items()]
    except ValueError as error:
        raise BenchError(f"{data}: {error}; the recordings of both parts are needed") from error
    (out / "figures.json").write_text(json.dumps([asdict(each) for each in results], indent=1) + "\n")
    page = out / "report.md"
    page.write_text("\n\n".join(_page(results, sounds)) + "\n", encoding="utf-8")
    return page


def _page(results: Sequence[Figures], sounds: Sounds) -> list[str]:
    counts = pd.Series([(each.part, each.kind) for each in sounds.listed]).value_counts()
    number = {(part, kind): int(counts.get((part, kind), 0)) for part in (DEV, TEST) for kind in (DIGIT, OTHER)}
    rows = [
        (
            code(each.backend) if "," not in each.backend else each.backend,
            f"{each.threshold:.3f}",
            f"{each.auc:.3f}",
            f"{_percent(each.dev[0])}; {_percent(each.dev[1])}",
            f"{_percent(each.recall.value)} ({_span(each.recall)})",
            f"{_percent(each.accepts.value)} ({_span(each.accepts)})",
            _percent(each.at_recall),
            _percent(each.right),
            *(f"{each.a_minute[kind]:.2f}" if kind in each.a_minute else "-" for kind in (NOISE, SPEECH)),
        )
        for each in sorted(results, key=lambda each: each.accepts)
    ]
    headers = (
        "backend", "threshold", "AUC", "dev: digits; other words, %", "test: digits accepted, %",
        "other words accepted, %", "the same at 95 % of test digits, %",
        "of the digits accepted right, %", "a minute of noise", "a minute of running speech",
    )  # fmt: skip
    return [
        "# Not a digit",
        "Digits and other words of the same recordings (LibriSpeech, train-clean-100, Common Voice, pooled), cut at"
        f" the times to which their text was aligned. A threshold is the certainty that {100 * RECALL:.0f} % of the"
        f" {DEV} digits reach; the rest is of {TEST}, with 95 % intervals (Wilson): {_words(number, DEV)},"
        f" {_words(number, TEST)}.",
        tabulate(rows, headers, tablefmt="github", disable_numparse=True),
        f"False triggers: what the segmenter of live use cut out of {_minutes(sounds.minutes, NOISE)} of noise, music"
        f" and {_minutes(sounds.minutes, SPEECH)} of running speech without a digit, and the backend accepted."
        " How certainty comes about and what it cannot say: docs/rejection.md. Made by `digitbench rejection`;"
        " `records/` has every answer.",
    ]


def _words(number: Mapping[tuple[str, str], int], part: str) -> str:
    return f"{number[part, DIGIT]:,} digits and {number[part, OTHER]:,} other words in {part}"


def _minutes(minutes: Mapping[str, float], kind: str) -> str:
    return f"{minutes.get(kind, 0):.1f} minutes"


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _span(interval: Interval) -> str:
    return f"{_percent(interval.low)} to {_percent(interval.high)}"

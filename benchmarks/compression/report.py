"""Records to tables, plots and report.md; hears nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report.text.markdown import Column, count, number, percent, table
from bench.stats.intervals import DRAWS, Interval, expanded_tail, wilson
from bench.stats.paired import sign_test
from bench.tasks.words import normalised, word_edits
from benchmarks.compression.clips import Item
from benchmarks.compression.goals import claim, goals
from benchmarks.compression.plots import curve
from benchmarks.compression.settings import FOLDER, SETTINGS
from benchmarks.lines import read_lines

STOCK = SETTINGS[0].name
SITTINGS = ("one", "two", "base", "joined")
NOTES = """\
Weights are int8, decoding is greedy. The difference is WER minus stock's on the same clips, in points, with a 95 %
bootstrap interval clustered by speaker (by clip where these are unknown). Stock is `faster-whisper` with a beam of 1.
Encoder tokens are the positions that the encoder computed, in all attempts, per second of the original audio; what is
kept of the clip is counted at 50 tokens a second. Speed is stock's time over the setting's on the same clips, all
settings interleaved clip by clip in one process; front end, gate and repeated attempts count. The transcripts of
train100 are detokenised copies: believe its differences alone."""


def points(share: float) -> str:
    """0.0123 -> 1.23."""
    return f"{100 * share:.2f}"


def times(value: float) -> str:
    """3.14159 -> 3.14."""
    return f"{value:.2f}"


COLUMNS = (
    Column("setting", "setting"),
    Column("clips", "clips", count),
    Column("WER, %", "wer", percent),
    Column("difference to stock", "difference", points, interval=("low", "high")),
    Column("encoder tokens per audio s", "encoder_per_s", number, "↓", bold=False),
    Column("kept of the clip, %", "clip_kept", percent),
    Column("decoder tokens per audio s", "decoder_per_s", number),
    Column("clips heard again, %", "retries", percent),
    Column("times stock, wall", "wall", times, "↑", interval=("wall_low", "wall_high")),
    Column("times stock, CPU", "cpu", times, "↑", interval=("cpu_low", "cpu_high")),
)
CORPUS_COLUMNS = (Column("corpus", "corpus"), *COLUMNS[:7])
SILENT_COLUMNS = (
    Column("setting", "setting"),
    Column("cuts without speech", "cuts", count),
    Column("with words, %", "words", percent, interval=("words_low", "words_high")),
    Column("clips of speech", "speech", count),
    Column("without words, %", "lost", percent, interval=("lost_low", "lost_high")),
)
FOLDER_COLUMNS = (
    Column("setting", "setting"),
    Column("clips", "clips", count),
    Column("rounds", "rounds", count),
    Column("times real time", "real_time", number, "↑"),
    Column("times stock one by one", "times_alone", times, "↑"),
    Column("times stock on two workers", "times_two", times, "↑"),
    Column("WER, %", "wer", percent),
    Column("difference to stock", "difference", points, interval=("low", "high")),
)
GOAL_COLUMNS = (Column("whisper-short", "what"), Column("goal; stretch", "goal"), Column("measured", "is"))
SECTIONS = {
    "one": ("One clip at a time, one thread", COLUMNS),
    "corpora": ("By corpus", CORPUS_COLUMNS),
    "two": ("One clip at a time, two threads, every third clip", COLUMNS),
    "base": ("base instead of tiny.en, every fifth clip, one thread", COLUMNS),
    "joined": ("Read clips joined with gaps of 0.3-4 s of noise at 20 dB, one thread", COLUMNS),
    "silent": ("Cuts without speech that yield words, and clips of speech that yield none", SILENT_COLUMNS),
    "folder": ("A folder of files on two workers of one thread", FOLDER_COLUMNS),
}
FACTS = ("encoder_tokens", "clip_tokens", "decoder_tokens", "retries")


def write(out: Path, part: str, items: dict[str, list[Item]]) -> str:
    """Tables, plot and report of a part from its records in ``out``; returns what a page shows of it.

    ``items``: what was heard, by sitting.
    """
    frames = tables(out / "records" / part, items)
    for name, frame in frames.items():
        frame.to_csv(out / f"{part}_{name}.csv", index=False)
    first = [f"`python -m benchmarks.compression {part}`", NOTES, claim(frames)]
    first.append(f"## Aimed at\n\n{table(goals(frames), GOAL_COLUMNS)}")
    rest: list[str] = []
    for name, (title, columns) in SECTIONS.items():
        if name in frames:
            (first if name == "one" else rest).append(f"## {title}\n\n{table(frames[name], columns)}")
        if name == "one" and name in frames:
            curve(frames[name], out / f"{part}_curve.svg")
            first.append(f"![Difference in WER against tokens and time]({part}_curve.svg)")
    heading = f"# Compression before Whisper, measured on the {part} part"
    (out / f"{part}.md").write_text("\n\n".join(filter(None, (heading, *first, *rest))) + "\n", encoding="utf-8")
    shown = "\n\n".join(filter(None, first)).replace("\n## ", "\n### ")
    return shown.replace(f"]({part}_curve.svg", f"](../{out}/{part}_curve.svg")


def tables(folder: Path, items: dict[str, list[Item]]) -> dict[str, pd.DataFrame]:
    """By name, every table that the records in ``folder`` are enough for."""
    frames = {}
    for sitting in SITTINGS:
        if not (records := read(folder / f"{sitting}.jsonl", items[sitting])).empty:
            frames[sitting] = compared(records)
            if sitting == "one":
                frames["corpora"] = by_corpus(records)
    if not (silence := read(folder / "silent.jsonl", items["silent"])).empty:
        frames["silent"] = invented(silence, read(folder / "one.jsonl", items["one"]))
    if not (folders := throughput(folder / "folder.jsonl", items["one"], folder / "one.jsonl")).empty:
        frames["folder"] = folders
    return frames


def read(file: Path, items: Sequence[Item]) -> pd.DataFrame:
    """A row for each clip and setting: errors, units, tokens by kind, seconds; in the order of the settings."""
    by_name = {item.name: item for item in items}
    current = {setting.key: setting.name for setting in SETTINGS}
    lines = [line for line in read_lines(file) if line["key"] in current]
    if not lines:
        return pd.DataFrame()
    references = [normalised(by_name[line["clip"]].text) for line in lines]
    hypotheses = [normalised(line["text"]) for line in lines]
    edits = [word_edits([a], [b])[0] if a else None for a, b in zip(references, hypotheses, strict=True)]
    frame = pd.DataFrame(
        {
            "clip": [line["clip"] for line in lines],
            "setting": [current[line["key"]] for line in lines],
            "corpus": [by_name[line["clip"]].corpus for line in lines],
            "speaker": [by_name[line["clip"]].speaker for line in lines],
            "audio_s": [by_name[line["clip"]].seconds for line in lines],
            "words": [bool(text) for text in hypotheses],
            "errors": [0 if each is None else each.errors for each in edits],
            "units": [0 if each is None else each.units for each in edits],
            "wall_s": [line["wall_s"] for line in lines],
            "cpu_s": [line["cpu_s"] for line in lines],
            **{name: [line["facts"].get(name, np.nan) for line in lines] for name in FACTS},
        }
    )
    order = {setting.name: row for row, setting in enumerate(SETTINGS)}
    return frame.sort_values("setting", key=lambda names: names.map(order), kind="stable")


def compared(records: pd.DataFrame) -> pd.DataFrame:
    """A row for each setting: what it costs in words and saves in work against stock on the same clips."""
    stock = records[records["setting"] == STOCK].set_index("clip")
    rows = []
    for name, setting_records in records.groupby("setting", sort=False):
        clips = setting_records.set_index("clip")
        clips = clips.loc[clips.index.intersection(stock.index)]
        baseline = stock.loc[clips.index]
        audio = clips["audio_s"].sum()
        pair = sign_test(
            baseline["errors"].to_numpy(),
            clips["errors"].to_numpy(),
            clips["units"].to_numpy(),
            clips["speaker"].tolist(),
        )
        row = {
            "setting": name,
            "clips": len(clips),
            "speakers": clips["speaker"].nunique(),
            "wer": clips["errors"].sum() / clips["units"].sum(),
            "stock_wer": baseline["errors"].sum() / baseline["units"].sum(),
            "difference": pair.difference,
            "low": pair.low,
            "high": pair.high,
            "encoder_per_s": clips["encoder_tokens"].sum() / audio,
            "clip_kept": clips["clip_tokens"].sum() / 50 / audio,
            "decoder_per_s": clips["decoder_tokens"].sum(min_count=1) / audio,
            "retries": (clips["retries"] > 0).mean(),
        }
        for clock in ("wall", "cpu"):
            times = ratio(baseline[f"{clock}_s"].to_numpy(), clips[f"{clock}_s"].to_numpy())
            row |= {clock: times.value, f"{clock}_low": times.low, f"{clock}_high": times.high}
        rows.append(row)
    return pd.DataFrame(rows)


def by_corpus(records: pd.DataFrame) -> pd.DataFrame:
    """As :func:`compared`, each corpus by itself."""
    parts = [compared(part).assign(corpus=corpus) for corpus, part in records.groupby("corpus", sort=False)]
    return pd.concat(parts, ignore_index=True)


def ratio(a: NDArray[np.float64], b: NDArray[np.float64], seed: int = 0) -> Interval:
    """How many times as long all of a takes as all of b, with a bootstrap interval over clips."""
    draws = np.random.default_rng(seed).multinomial(len(a), np.full(len(a), 1 / len(a)), size=DRAWS)
    tail = expanded_tail(len(a), 0.95) if len(a) > 1 else 0.0
    low, high = np.quantile((draws @ a) / (draws @ b), [tail, 1 - tail])
    return Interval(float(a.sum() / b.sum()), float(low), float(high))


def invented(silence: pd.DataFrame, spoken: pd.DataFrame) -> pd.DataFrame:
    """A row for each setting: cuts without speech that have words, clips of speech that have none, with intervals."""
    rows = []
    for name, cuts in silence.groupby("setting", sort=False):
        speech = spoken[spoken["setting"] == name] if len(spoken) else spoken
        words, dropped = (
            wilson(int(cuts["words"].sum()), len(cuts)),
            int((~speech["words"]).sum()) if len(speech) else 0,
        )
        lost = wilson(dropped, len(speech)) if len(speech) else Interval(np.nan, np.nan, np.nan)
        rows.append(
            {
                "setting": name,
                "cuts": len(cuts),
                "with_words": int(cuts["words"].sum()),
                "words": words.value,
                "words_low": words.low,
                "words_high": words.high,
                "speech": len(speech),
                "dropped": dropped,
                "lost": lost.value,
                "lost_low": lost.low,
                "lost_high": lost.high,
            }
        )
    return pd.DataFrame(rows)


def throughput(file: Path, items: Sequence[Item], one: Path) -> pd.DataFrame:
    """A row for each setting of the folder: times real time, times stock on two workers and stock one by one, WER."""
    by_name = {item.name: item for item in items}
    lines = read_lines(file)
    alone = read(one, items)
    alone_s = alone[alone["setting"] == STOCK].set_index("clip")["wall_s"] if len(alone) else pd.Series(dtype=float)
    rows = []
    errors = {}
    for setting in FOLDER:
        rounds = [line for line in lines if line["key"] == setting.key]
        if not rounds:
            continue
        clips = sorted(rounds[0]["texts"])
        references, hypotheses = (
            [normalised(text) for text in texts]
            for texts in ((by_name[c].text for c in clips), (rounds[0]["texts"][c] for c in clips))
        )
        edits = [word_edits([a], [b])[0] for a, b in zip(references, hypotheses, strict=True)]
        errors[setting.name] = np.array([each.errors for each in edits])
        units = np.array([each.units for each in edits])
        pair = sign_test(errors[FOLDER[0].name], errors[setting.name], units, [by_name[c].speaker for c in clips])
        wall = float(np.median([line["wall_s"] for line in rounds]))
        rows.append(
            {
                "setting": setting.name,
                "clips": len(clips),
                "rounds": len(rounds),
                "wall_s": wall,
                "real_time": rounds[0]["audio_s"] / wall,
                "times_alone": alone_s.reindex(clips).sum(skipna=False) / wall,
                "wer": errors[setting.name].sum() / units.sum(),
                "difference": pair.difference,
                "low": pair.low,
                "high": pair.high,
            }
        )
    frame = pd.DataFrame(rows)
    if frame.empty:
        return frame
    return frame.assign(times_two=frame.iloc[0]["wall_s"] / frame["wall_s"])

"""What was aimed at before anything was measured, and what came of it: rows of a table, and the claim in a sentence."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

SHORT = "whisper-short"
HARD = f"{SHORT} +compress@hard"
WORSE = 0.01
"""The difference in WER up to which fewer tokens of the clip count."""
CLAIMED = 0.30
"""Of the tokens of a clip, at the least, the claim says can go."""
SAVINGS = (("librispeech", "15 %; 30 %"), ("common_voice", "20 %; 40 %"), ("joined", "35 %; 50 %"))
FASTER = (("one", "one thread", "3.5; 5"), ("two", "two threads", "3; 4"))
"""Sitting, threads, goal and stretch."""


def goals(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """A row for each goal that the tables, by name as :func:`benchmarks.compression.report.tables` makes them, can
    answer: what, goal and stretch, what it is."""
    rows: list[tuple[str, str, str]] = []
    if "one" in tables and SHORT in set(tables["one"]["setting"]):
        row = _row(tables["one"], SHORT)
        rows += [
            ("encoder tokens per audio s", "<= 60; 40", f"{row['encoder_per_s']:.1f}"),
            ("WER difference, upper bound", "<= +0.5; +0.25", _difference(row)),
        ]
    for corpus, goal in SAVINGS:
        table = tables.get("joined") if corpus == "joined" else _corpus(tables.get("corpora"), corpus)
        if table is not None and (best := _least(table)) is not None:
            kept = f"{100 * (1 - best['clip_kept']):.1f} % by {best['setting']}, {_difference(best)}"
            rows.append((f"tokens of the clip left out at WER <= +1, {corpus}", goal, kept))
    for sitting, threads, goal in FASTER:
        if sitting in tables and SHORT in set(tables[sitting]["setting"]):
            row = _row(tables[sitting], SHORT)
            rows.append((f"one at a time, times stock, {threads}", goal, _times(row)))
    if "folder" in tables:
        best = tables["folder"].nlargest(1, "real_time").iloc[0]
        speed = f"{best['times_alone']:.2f} / {best['times_two']:.2f}, {best['real_time']:.0f} times real time"
        rows.append(("a folder, times stock one by one / on two workers", "10 / 4.2; 15 / 6 (300)", speed))
    if "silent" in tables and SHORT in set(tables["silent"]["setting"]):
        row = _row(tables["silent"], SHORT)
        words, lost = (_percent(row, name) for name in ("words", "lost"))
        rows += [
            ("cuts without speech that yield words", "<= 2 %; 0", words),
            ("clips of speech dropped", "<= 1 %; 0", lost),
        ]
    if "base" in tables and SHORT in set(tables["base"]["setting"]):
        row = _row(tables["base"], SHORT)
        rows.append(("base: WER difference; times stock", "<= +0.5; 2.5", f"{_difference(row)}; {_times(row)}"))
    return pd.DataFrame(rows, columns=["what", "goal", "is"])


def claim(tables: Mapping[str, pd.DataFrame]) -> str:
    """Whether 30 % fewer tokens cost words, by the hardest setting, as a sentence; empty where it was not measured."""
    clauses = []
    for sitting, what in (("one", "of clips as they are"), ("joined", "of clips with gaps of 0.3-4 s")):
        if sitting in tables and HARD in set(tables[sitting]["setting"]):
            row = _row(tables[sitting], HARD)
            saved = 1 - row["clip_kept"]
            words = "words are lost" if row["low"] > 0 else "no loss of words is shown"
            enough = "" if saved >= CLAIMED else f", fewer than {CLAIMED:.0%}"
            clauses.append(f"{what} `{HARD}` leaves out {saved:.1%}{enough}, and {words}: {_difference(row)} points")
    return f"The claim of 30-50 % fewer tokens with the same words: {'; '.join(clauses)}." if clauses else ""


def _row(table: pd.DataFrame, setting: str) -> pd.Series:
    return table[table["setting"] == setting].iloc[0]


def _corpus(table: pd.DataFrame | None, corpus: str) -> pd.DataFrame | None:
    return None if table is None else table[table["corpus"] == corpus]


def _least(table: pd.DataFrame) -> pd.Series | None:
    """The row of whisper-short that keeps least of the clip without more than ``WORSE``."""
    fit = table[table["setting"].str.startswith(f"{SHORT} +compress") & (table["difference"] <= WORSE)]
    return None if fit.empty else fit.nsmallest(1, "clip_kept").iloc[0]


def _difference(row: pd.Series) -> str:
    return f"{100 * row['difference']:+.2f} ({100 * row['low']:+.2f} to {100 * row['high']:+.2f})"


def _times(row: pd.Series) -> str:
    return f"{row['wall']:.2f} ({row['wall_low']:.2f}-{row['wall_high']:.2f})"


def _percent(row: pd.Series, name: str) -> str:
    return f"{row[name]:.1%} ({row[f'{name}_low']:.1%}-{row[f'{name}_high']:.1%})"

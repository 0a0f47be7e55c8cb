"""Accuracy under conditions other than clean, and what follows from it in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from bench.names import FRAMED, NOISE, Name
from bench.records.schema import Run
from bench.report.tables.conditions import by_mean, noise_of
from bench.report.tables.measure import figure, header
from bench.report.tables.outcomes import interval_method
from bench.report.text.markdown import ABSENT, Column, code, escape, percent, table
from bench.report.text.summary import first_header
from bench.stats.paired import ALPHA
from bench.tasks.base import Measure, Task


def robustness(run: Run, tables: Mapping[str, pd.DataFrame], pictures: Sequence[str] = ()) -> list[str]:
    """The section, or nothing where there were no conditions."""
    if "conditions" not in tables:
        return []
    return ["## Robustness", *_tabled(run, tables), *pictures, *claims(run.task, tables)]


def claims(task: Task, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """What the figures show, in words: each backend against the weakest, copies in training, where noise costs."""
    frame, pairs, losses = tables["conditions"], tables["condition_pairs"], tables["condition_losses"]
    names = by_mean(frame)
    plain = {name: str(Name.parse(name).plain) for name in names}
    taught = [name for name in names if Name.parse(name).copies and plain[name] in names]
    *rivals, weakest = (name for name in names if name not in taught)
    blocks = []
    if rivals:
        blocks = [
            "### Who holds up",
            f"Each against {code(weakest)}, the least accurate of them over all conditions; only what the"
            f" {task.test} shows on the same clips, Holm-corrected over all {len(pairs):,} pairs, counts.",
            _bullets(_versus(name, weakest, frame, pairs, task.measure) for name in rivals),
        ]
    if taught:
        text = (
            f"`+{NOISE}` is the same backend fitted on two noisy copies of every training clip as well: Gaussian noise"
            " of random colour, never the recordings or the babble tested here;"
            f" `+{FRAMED}` on two copies with up to 0.4 s of the room on each side."
        )
        lines = (_versus(name, plain[name], frame, pairs, task.measure) for name in taught)
        blocks += ["### Copies in training", text, _bullets(lines)]
    return [*blocks, *_first_losses(task, losses, names)]


def _tabled(run: Run, tables: Mapping[str, pd.DataFrame]) -> list[str]:
    frame = tables["conditions"]
    names = by_mean(frame)
    wide = frame.pivot(index="condition", columns="backend", values="accuracy")
    wide = wide.loc[list(frame["condition"].unique()), names]
    measure = run.task.measure
    best = wide.apply(lambda row: row.map(percent) == percent(row.max()), axis=1)
    cells = wide.map(lambda share: ABSENT if pd.isna(share) else figure(share, measure))
    cells = cells.where(~best, "**" + cells + "**").reset_index()
    columns = [Column(first_header(run, header(measure)), "condition", escape)]
    columns += [Column(escape(name), name, best="") for name in names]
    split, clips = frame["split"].iloc[0], int(frame["clips"].max())
    half = float(((frame["accuracy_high"] - frame["accuracy_low"]) / 2).max())
    text = (
        f"{measure.title} of `{split}` on the same {clips:,} clips under each condition, best of each row in bold,"
        f" backends by their mean. 95 % intervals ({interval_method(run, split)}) are at most ± {percent(half)}"
        " points; all are in `tables/conditions.csv`. Training clips never meet a condition."
    )
    return [text, table(cells, columns)]


def _versus(a: str, b: str, frame: pd.DataFrame, pairs: pd.DataFrame, measure: Measure) -> str:
    """Where a is better than b, where worse, and the widest gap each way."""
    both = pairs[((pairs["a"] == a) & (pairs["b"] == b)) | ((pairs["a"] == b) & (pairs["b"] == a))]
    turned = np.where(both["a"] == a, 1, -1)
    gaps = pd.DataFrame({"condition": both["condition"], "gap": turned * both["difference"]})
    gaps["low"] = np.where(turned > 0, both["low"], -both["high"])
    gaps["high"] = np.where(turned > 0, both["high"], -both["low"])
    shown = (both["holm_p"] < ALPHA).to_numpy()
    share = frame.set_index(["condition", "backend"])["accuracy"]

    def side(word: str, gaps: pd.DataFrame) -> str:
        if gaps.empty:
            return ""
        widest = gaps.iloc[int(gaps["gap"].abs().argmax())]
        figures = " against ".join(figure(share[widest["condition"], name], measure) for name in (a, b))
        span = f"{percent(widest['gap'])} points, {percent(widest['low'])} to {percent(widest['high'])}"
        return f"{word} under {len(gaps)}, most at {code(widest['condition'])} ({figures} %; {span})"

    better, worse = gaps[shown & (gaps["gap"] > 0)], gaps[shown & (gaps["gap"] < 0)]
    phrases = [side("better", better), side("worse", worse)]
    rest = len(gaps) - len(better) - len(worse)
    if rest:
        phrases.append(f"no difference shown under {rest}")
    return f"**{escape(a)}** against {escape(b)}, {len(gaps)} conditions: {'; '.join(filter(None, phrases))}."


def _first_losses(task: Task, losses: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Per noise, the level at which each backend is first shown to lose, and what it has lost at the worst one."""
    noisy = losses.assign(noise=losses["condition"].map(noise_of)).dropna(subset="noise")
    if noisy.empty:
        return []
    noisy = noisy.assign(snr=[snr for _, snr in noisy["noise"]], noise=[noise for noise, _ in noisy["noise"]])
    rows = []
    for name in names:
        row = {"backend": name}
        for noise, levels in noisy[noisy["backend"] == name].groupby("noise"):
            shown = levels[(levels["holm_p"] < ALPHA) & (levels["lost"] > 0)]
            first = f"{shown['snr'].max():g} dB" if len(shown) else "not shown"
            worst = levels.iloc[int(levels["snr"].argmin())]
            lost = f"{percent(worst['lost'])} ({percent(worst['low'])} to {percent(worst['high'])})"
            row[str(noise)] = f"{first}; {lost} at {worst['snr']:g} dB"
        rows.append(row)
    frame = pd.DataFrame(rows).fillna(ABSENT)
    columns = [Column("backend", "backend", escape)]
    columns += [Column(escape(noise), noise) for noise in frame.columns if noise != "backend"]
    text = (
        "The mildest level at which a backend is shown to be less accurate than on the clean clips"
        f" ({task.test.removesuffix(' test')}, Holm over all {len(losses):,} conditions and backends), and the points"
        " it has lost at the harshest, with 95 % intervals."
    )
    return ["### Where noise begins to cost", text, table(frame, columns)]


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)

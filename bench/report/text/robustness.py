"""Accuracy under conditions other than clean: tables, and what follows from them in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from bench import stats
from bench.records.schema import CLEAN, Run
from bench.report.tables.outcomes import FLOOR, clusters, conditions, interval_method, outcomes, splits
from bench.report.text.markdown import ABSENT, Column, code, escape, percent, table
from bench.report.text.summary import first_header
from bench.settings import NOISE
from bench.stats.paired import ALPHA

_NOISE = re.compile(r"noise:(?P<noise>.+)@(?P<snr>[-+]?\d+(?:\.\d+)?)dB")


def noise_of(condition: str) -> tuple[str, float] | None:
    """``noise:dishes@-5dB`` -> ("dishes", -5.0); None of any other condition."""
    found = _NOISE.fullmatch(condition)
    return (found["noise"], float(found["snr"])) if found else None


def by_mean(frame: pd.DataFrame) -> list[str]:
    """Backends, the one most accurate over all its conditions first. ``frame`` is of `shares`."""
    return list(frame.groupby("backend")["accuracy"].mean().sort_values(ascending=False, kind="stable").index)


def robustness_tables(run: Run) -> dict[str, pd.DataFrame]:
    """``conditions``, ``condition_pairs`` and ``condition_losses``; nothing of a run that heard clean clips only.

    conditions: accuracy with its interval per condition and backend. condition_pairs: the exact McNemar test between
    any two backends under one condition, Holm over all. condition_losses: the same between a backend's clean and
    treated clips; lost is the fall of its accuracy, with the interval of Bonett and Price.
    """
    rows = right_under_conditions(run)
    if rows["condition"].nunique() < 2:
        return {}
    pairs, losses = _pairs(rows), _losses(rows)
    return {"conditions": shares(rows), "condition_pairs": pairs, "condition_losses": losses}


def right_under_conditions(run: Run) -> pd.DataFrame:
    """Outcomes under every condition, in order, of the hardest split that most backends were heard on; no floor."""
    ordered = sorted(conditions(run), key=_order)
    parts = [outcomes(run, condition) for condition in ordered]
    rows = pd.concat(parts, ignore_index=True) if parts else run.predictions.assign(right=False)
    rows = rows[rows["backend"] != FLOOR]
    treated = rows[rows["condition"] != CLEAN]
    heard = {split: treated[treated["split"] == split]["backend"].nunique() for split in splits(run)}
    return rows[rows["split"] == max(heard, key=lambda name: heard[name], default="official")]


def shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Accuracy with its interval per condition and backend."""
    found = []
    for (condition, backend), own in rows.groupby(["condition", "backend"], sort=False):
        split = str(own["split"].iloc[0])
        speakers = clusters(own, split)
        right = own["right"]
        share = stats.wilson(int(right.sum()), len(own)) if speakers is None else stats.clustered(right, speakers)
        found.append((split, condition, backend, len(own), *share))
    columns = ["split", "condition", "backend", "clips", "accuracy", "accuracy_low", "accuracy_high"]
    return pd.DataFrame(found, columns=columns)


def robustness(run: Run, made: Mapping[str, pd.DataFrame], pictures: Sequence[str] = ()) -> list[str]:
    """The section, or nothing where there were no conditions."""
    if "conditions" not in made:
        return []
    return ["## Robustness", *_tabled(run, made), *pictures, *claims(made)]


def claims(made: Mapping[str, pd.DataFrame]) -> list[str]:
    """What the figures show, in words: each backend against the weakest, noise in training, where noise costs."""
    frame, pairs, losses = made["conditions"], made["condition_pairs"], made["condition_losses"]
    names = by_mean(frame)
    learnt = [name for name in names if name.endswith(NOISE) and name.removesuffix(NOISE) in names]
    *rivals, weakest = (name for name in names if name not in learnt)
    blocks = []
    if rivals:
        blocks = [
            "### Who holds up",
            f"Each against {code(weakest)}, the least accurate of them over all conditions; only what the exact"
            f" McNemar test shows on the same clips, Holm-corrected over all {len(pairs):,} pairs, counts.",
            _bullets(_versus(name, weakest, frame, pairs) for name in rivals),
        ]
    if learnt:
        text = (
            f"`{NOISE}` is the same backend fitted on two noisy copies of every training clip as well: Gaussian noise"
            " of random colour, never the recordings or the babble tested here."
        )
        told = (_versus(name, name.removesuffix(NOISE), frame, pairs) for name in learnt)
        blocks += ["### Noise in training", text, _bullets(told)]
    return [*blocks, *_first_losses(frame, losses, names)]


def _tabled(run: Run, made: Mapping[str, pd.DataFrame]) -> list[str]:
    frame = made["conditions"]
    names = by_mean(frame)
    wide = frame.pivot(index="condition", columns="backend", values="accuracy")
    wide = wide.loc[list(frame["condition"].unique()), names]
    best = wide.apply(lambda row: row.map(percent) == percent(row.max()), axis=1)
    cells = wide.map(lambda share: ABSENT if pd.isna(share) else percent(share))
    cells = cells.where(~best, "**" + cells + "**").reset_index()
    columns = [Column(first_header(run, "accuracy, %"), "condition", escape)]
    columns += [Column(escape(name), name, best="") for name in names]
    split, clips = frame["split"].iloc[0], int(frame["clips"].max())
    half = float(((frame["accuracy_high"] - frame["accuracy_low"]) / 2).max())
    text = (
        f"Accuracy of `{split}` on the same {clips:,} clips under each condition, best of each row in bold, backends by"
        f" their mean. 95 % intervals ({interval_method(run, split)}) are at most ± {percent(half)} points; all are in"
        " `tables/conditions.csv`. Training clips never meet a condition."
    )
    return [text, table(cells, columns)]


def _versus(a: str, b: str, frame: pd.DataFrame, pairs: pd.DataFrame) -> str:
    """Where a is better than b, where worse, and the widest gap each way."""
    both = pairs[((pairs["a"] == a) & (pairs["b"] == b)) | ((pairs["a"] == b) & (pairs["b"] == a))]
    turned = np.where(both["a"] == a, 1, -1)
    gaps = pd.DataFrame({"condition": both["condition"], "gap": turned * both["difference"]})
    gaps["low"] = np.where(turned > 0, both["low"], -both["high"])
    gaps["high"] = np.where(turned > 0, both["high"], -both["low"])
    shown = (both["holm_p"] < ALPHA).to_numpy()
    share = frame.set_index(["condition", "backend"])["accuracy"]

    def side(word: str, own: pd.DataFrame) -> str:
        if own.empty:
            return ""
        widest = own.iloc[int(own["gap"].abs().argmax())]
        accuracies = f"{percent(share[widest['condition'], a])} against {percent(share[widest['condition'], b])} %"
        span = f"{percent(widest['gap'])} points, {percent(widest['low'])} to {percent(widest['high'])}"
        return f"{word} under {len(own)}, most at {code(widest['condition'])} ({accuracies}; {span})"

    better, worse = gaps[shown & (gaps["gap"] > 0)], gaps[shown & (gaps["gap"] < 0)]
    told = [side("better", better), side("worse", worse)]
    rest = len(gaps) - len(better) - len(worse)
    if rest:
        told.append(f"no difference shown under {rest}")
    return f"**{escape(a)}** against {escape(b)}, {len(gaps)} conditions: {'; '.join(filter(None, told))}."


def _first_losses(frame: pd.DataFrame, losses: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """Per noise, the level at which each backend is first shown to lose, and what it has lost at the worst one."""
    noisy = losses.assign(found=losses["condition"].map(noise_of)).dropna(subset="found")
    if noisy.empty:
        return []
    noisy = noisy.assign(noise=[found[0] for found in noisy["found"]], snr=[found[1] for found in noisy["found"]])
    rows = []
    for name in names:
        row = {"backend": name}
        for noise, own in noisy[noisy["backend"] == name].groupby("noise"):
            shown = own[(own["holm_p"] < ALPHA) & (own["lost"] > 0)]
            first = f"{shown['snr'].max():g} dB" if len(shown) else "not shown"
            worst = own.iloc[int(own["snr"].argmin())]
            lost = f"{percent(worst['lost'])} ({percent(worst['low'])} to {percent(worst['high'])})"
            row[str(noise)] = f"{first}; {lost} at {worst['snr']:g} dB"
        rows.append(row)
    made = pd.DataFrame(rows).fillna(ABSENT)
    columns = [Column("backend", "backend", escape)]
    columns += [Column(escape(noise), noise) for noise in made.columns if noise != "backend"]
    text = (
        "The mildest level at which a backend is shown to be less accurate than on the clean clips (exact McNemar, Holm"
        f" over all {len(losses):,} conditions and backends), and the points it has lost at the harshest, with 95 %"
        " intervals."
    )
    return ["### Where noise begins to cost", text, table(made, columns)]


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for condition, own in rows.groupby("condition", sort=False):
        right = own.pivot(index="clip", columns="backend", values="right").astype(bool)
        ordered = right[list(right.mean().sort_values(ascending=False, kind="stable").index)]
        parts.append(stats.compare_pairs(ordered).assign(condition=condition, clips=len(right)))
    found = pd.concat(parts, ignore_index=True)
    gaps = [stats.difference(int(a), int(b), int(n)) for a, b, n in found[["a_only", "b_only", "clips"]].to_numpy()]
    found[["difference", "low", "high"]] = pd.DataFrame(gaps, index=found.index, columns=["value", "low", "high"])
    found["holm_p"] = stats.holm(found["p"])
    return found[["condition", "clips", "a", "b", "a_only", "b_only", "difference", "low", "high", "p", "holm_p"]]


def _losses(rows: pd.DataFrame) -> pd.DataFrame:
    found = []
    for backend, own in rows.groupby("backend"):
        right = own.pivot(index="clip", columns="condition", values="right").astype(bool)
        for condition in [name for name in own["condition"].unique() if name != CLEAN and CLEAN in right]:
            lost = int((right[CLEAN] & ~right[condition]).sum())
            gained = int((right[condition] & ~right[CLEAN]).sum())
            change = stats.difference(lost, gained, len(right))
            found.append((condition, backend, len(right), lost, gained, *change, stats.mcnemar_exact(lost, gained)))
    columns = ["condition", "backend", "clips", "clean_only", "treated_only", "lost", "low", "high", "p"]
    table = pd.DataFrame(found, columns=columns)
    return table.assign(holm_p=stats.holm(table["p"]))


def _order(condition: str) -> tuple[bool, bool, str, float, str]:
    """Clean, then noises by name and falling SNR, then the others by name."""
    noise = noise_of(condition)
    return (condition != CLEAN, noise is None, *((noise[0], -noise[1]) if noise else ("", 0.0)), condition)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)

"""The tables of ``python -m benchmarks.wer``: how well WER is predicted, and what that is good for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.bootstrap import Rows, interval, shown
from benchmarks.wer.pairs import CONDITIONS, Pair
from benchmarks.wer.system import NAME

Values = NDArray[np.float64]
Predictions = Mapping[str, Values]

BAD = 0.2
"""WER above which a transcript is a bad one."""
REDONE = 0.2
"""Share of clips that may be redone."""
GOALS = "MAE at most 0.080 and 35 % under the constant's, Spearman at least 0.70"
MILD = "clean"
FIRST = ("speed:1.25", "speed:1.5")
"""Compressed at first; what is redone is not compressed."""
BASELINE = "constant"


def report(test: Sequence[Pair], predictions: Predictions, learned: int, speakers: int) -> str:
    """Markdown of all chapters."""
    chapters = [
        "# Predicting WER",
        f"Made by `make wer-predictor`. System: {NAME}.",
        f"Learned from {learned:,} pairs of {speakers} speakers of the dev part ({', '.join(CONDITIONS['dev'])}), the"
        " epoch chosen by a fifth of those speakers; each network is three, of three seeds, averaged. Tested on"
        f" {len(test):,} pairs of {len({pair.speaker for pair in test})} other speakers"
        f" ({', '.join(CONDITIONS['test'])}); clips of Common Voice count as speakers of their own. A WER above 1"
        " counts as 1; intervals by resampling speakers. train100's text is detokenised: its WERs are for prediction,"
        " not for quoting.",
        "## All conditions", accuracy_table(test, predictions), verdict(test, predictions),
        "## By condition", condition_table(test, predictions),
        "## Which clips to compress less", redo_table(test, predictions),
        "First pass compressed, then the fifth of the clips with the highest predicted WER is transcribed again without"
        " compression. A random fifth is its exact expectation; the oracle knows which clips gain most.",
    ]  # fmt: skip
    return "\n\n".join(chapters) + "\n"


def accuracy_table(test: Sequence[Pair], predictions: Predictions) -> str:
    """MAE, its part under the constant's, Spearman's correlation and the AUC of a bad transcript."""
    wers, speakers = _wers(test), [pair.speaker for pair in test]
    base = predictions[BASELINE]
    lines = ["| predictor | MAE | under the constant | Spearman | AUC of WER > 20 % |", "|---|---|---|---|---|"]
    for name, guess in predictions.items():
        mae = interval(speakers, partial(_mae, guess, wers))
        under = interval(speakers, partial(_under, guess, base, wers))
        cells = [shown(mae, 3), f"{100 * under.value:.0f} % [{100 * under.low:.0f}, {100 * under.high:.0f}]"]
        if np.ptp(guess):
            cells += [
                shown(interval(speakers, partial(_spearman, guess, wers))),
                shown(interval(speakers, partial(_auc, guess, wers))),
            ]
        else:
            cells += ["", ""]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def verdict(test: Sequence[Pair], predictions: Predictions) -> str:
    """The goals, and whether sound alone beats the constant."""
    wers, speakers = _wers(test), [pair.speaker for pair in test]
    base = predictions[BASELINE]
    met = [name for name, guess in predictions.items() if _reached(guess, base, wers)]
    lines = [f"Goal: {GOALS}. Reached by {', '.join(met) or 'none of them'}."]
    for name in (name for name in predictions if name.startswith("mel") and "confidence" not in name):
        gain = interval(speakers, partial(_under, predictions[name], base, wers))
        says = "beats the constant" if gain.low > 0 else "does not beat the constant: its interval holds no gain"
        lines.append(
            f"Sound alone ({name}) {says}: {100 * gain.value:+.1f} % [{100 * gain.low:.1f}, {100 * gain.high:.1f}]."
        )
    return "\n".join(f"- {line}" for line in lines)


def _reached(guess: Values, base: Values, wers: Values) -> bool:
    rows = np.arange(len(wers))
    rank = _spearman(guess, wers, rows)
    return _mae(guess, wers, rows) <= 0.08 and _under(guess, base, wers, rows) >= 0.35 and rank >= 0.7


def condition_table(test: Sequence[Pair], predictions: Predictions) -> str:
    """MAE of each predictor under each condition, and the WER there."""
    wers = _wers(test)
    lines = [f"| condition | pairs | WER % | {' | '.join(f'MAE, {name}' for name in predictions)} |"]
    lines.append("|---|---|---|" + "---|" * len(predictions))
    for condition in dict.fromkeys(pair.condition for pair in test):
        rows = np.array([place for place, pair in enumerate(test) if pair.condition == condition])
        wer = sum(test[row].errors for row in rows) / sum(test[row].words for row in rows)
        maes = (f"{_mae(guess, wers, rows):.3f}" for guess in predictions.values())
        lines.append(f"| {condition} | {len(rows)} | {100 * wer:.1f} | {' | '.join(maes)} |")
    return "\n".join(lines)


def redo_table(test: Sequence[Pair], predictions: Predictions) -> str:
    """WER where a fifth is redone, by predictor, against a random fifth."""
    lines = ["| first pass | chosen by | WER % | less than a random fifth |", "|---|---|---|---|"]
    for first in FIRST:
        redone = _redone(test, first)
        if redone is None:
            continue
        rows, before, after, words = redone
        speakers = [test[row].speaker for row in rows]
        fraction = 1 - REDONE
        random_fifth = fraction * before + REDONE * after
        whole, mild, blind = (100 * part.sum() / words.sum() for part in (before, after, random_fifth))
        lines.append(f"| {first} | nobody redone | {whole:.2f} | |")
        lines.append(f"| {first} | a random fifth | {blind:.2f} | 0 |")
        choices = {name: guess[rows] for name, guess in predictions.items() if np.ptp(guess)}
        choices["the oracle"] = (before - after).astype(np.float64)
        for name, guess in choices.items():
            left = np.where(_highest(guess), after, before)
            gain = interval(speakers, partial(_less, random_fifth, left, words))
            lines.append(f"| {first} | {name} | {100 * left.sum() / words.sum():.2f} | {shown(gain, sign=True)} |")
        lines.append(f"| {first} | everybody redone | {mild:.2f} | |")
    return "\n".join(lines)


def _redone(test: Sequence[Pair], first: str) -> tuple[Rows, Values, Values, Values] | None:
    """Rows of the first pass, errors before and after being redone, words; None where no clip has both."""
    mild = {(pair.corpus, pair.id): pair for pair in test if pair.condition == MILD}
    rows = [row for row, pair in enumerate(test) if pair.condition == first and (pair.corpus, pair.id) in mild]
    if not rows:
        return None
    before, words = (np.array([getattr(test[row], name) for row in rows], np.float64) for name in ("errors", "words"))
    after = np.array([mild[test[row].corpus, test[row].id].errors for row in rows], np.float64)
    return np.array(rows), before, after, words


def _highest(guess: Values) -> NDArray[np.bool_]:
    chosen = np.zeros(len(guess), np.bool_)
    chosen[np.argsort(-guess, kind="stable")[: round(REDONE * len(guess))]] = True
    return chosen


def _less(blind: Values, left: Values, words: Values, rows: Rows) -> float:
    return 100 * float((blind[rows].sum() - left[rows].sum()) / words[rows].sum())


def _mae(guess: Values, wers: Values, rows: Rows) -> float:
    return float(np.abs(guess[rows] - wers[rows]).mean())


def _under(guess: Values, base: Values, wers: Values, rows: Rows) -> float:
    return 1 - _mae(guess, wers, rows) / max(_mae(base, wers, rows), 1e-12)


def _spearman(guess: Values, wers: Values, rows: Rows) -> float:
    from scipy.stats import rankdata

    one, two = rankdata(guess[rows]), rankdata(wers[rows])
    if not np.ptp(one) or not np.ptp(two):
        return float("nan")
    return float(np.corrcoef(one, two)[0, 1])


def _auc(guess: Values, wers: Values, rows: Rows) -> float:
    """Chance that a bad transcript is predicted worse than a good one: Mann and Whitney's U over all such pairs."""
    from scipy.stats import rankdata

    bad = wers[rows] > BAD
    count = int(bad.sum())
    if not 0 < count < len(rows):
        return float("nan")
    ranks = rankdata(guess[rows])
    return float((ranks[bad].sum() - count * (count + 1) / 2) / (count * (len(rows) - count)))


def _wers(pairs: Sequence[Pair]) -> Values:
    return np.array([pair.wer for pair in pairs], np.float64)

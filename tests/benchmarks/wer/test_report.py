from __future__ import annotations

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from benchmarks.wer.report import BAD, _auc, _highest, _spearman, accuracy_table, redo_table, report, verdict
from tests.benchmarks.wer.pairing import pairs

TEST = pairs("test", 40)
WERS = np.array([pair.wer for pair in TEST])
GUESS = np.array([-pair.facts["avg_logprob"] for pair in TEST])
EVERY = np.arange(len(TEST))
PREDICTIONS = {
    "constant": np.full(len(TEST), 0.1),
    "good": GUESS,
    "mel, CNN": np.random.default_rng(0).random(len(TEST)),
}


def test_rank_figures_are_those_of_the_libraries() -> None:
    np.testing.assert_allclose(_auc(GUESS, WERS, EVERY), roc_auc_score(WERS > BAD, GUESS))
    np.testing.assert_allclose(_spearman(GUESS, WERS, EVERY), spearmanr(GUESS, WERS).statistic)
    assert np.isnan(_auc(GUESS, np.zeros(len(WERS)), EVERY)) and np.isnan(_spearman(GUESS * 0, WERS, EVERY))


def test_the_constant_has_no_rank_and_the_verdict_says_what_was_reached() -> None:
    constant, good = accuracy_table(TEST, PREDICTIONS).splitlines()[2:4]
    assert constant.endswith("|  |  |") and "0 % [0, 0]" in constant and "0.9" in good
    text = verdict(TEST, PREDICTIONS)
    assert "Reached by good." in text
    assert "Sound alone (mel, CNN) does not beat the constant" in text
    assert "Reached by none of them." in verdict(TEST, {name: PREDICTIONS[name] for name in ("constant", "mel, CNN")})


def test_a_fifth_is_redone_and_the_oracle_is_best() -> None:
    assert _highest(np.arange(10.0)).nonzero()[0].tolist() == [8, 9]
    rows = [line.split("|") for line in redo_table(TEST, PREDICTIONS).splitlines()[2:]]
    left = {row[2].strip(): float(row[3]) for row in rows if row[1].strip() == "speed:1.5"}
    assert left["the oracle"] <= left["good"] < left["a random fifth"] < left["nobody redone"]
    assert left["everybody redone"] < left["the oracle"]
    assert "constant" not in left


def test_the_report_names_the_system_and_every_condition() -> None:
    text = report(TEST, PREDICTIONS, 99, 7)
    assert "whisper-short:tiny.en" in text and "99 pairs of 7 speakers" in text
    assert text.count("| speed:1.25 | 40 |") == 1

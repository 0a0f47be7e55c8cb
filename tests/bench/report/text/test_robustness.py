"""What conditions did: every figure checked against another library, every word against the figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from bench.errors import BenchError
from bench.records.schema import Run
from bench.report.build import build, robustness_markdown, tables
from bench.report.tables.conditions import condition_tables, marks_under_conditions, noise_of, shares
from bench.report.text.markdown import ABSENT
from bench.report.text.robustness import claims
from tests.bench import factory
from tests.bench.report.made_up import LEVELS, NAMES, NOISES, OTHERS, noisy

WRONG = {
    "clean": {"strong": 0, "strong+noise": 0, "weak": 10},
    "noise:pink@10dB": {"strong": 2, "strong+noise": 1, "weak": 50},
    "noise:pink@0dB": {"strong": 60, "strong+noise": 5, "weak": 30},
}
"""How many of the 90 clips each hears wrongly."""


def known() -> Run:
    """``weak`` loses at 10 dB and wins at 0 dB; noise in training helps ``strong`` at 0 dB alone."""
    table = factory.clips()
    parts = [
        factory.heard(table, name, wrong=list(table["clip"][:count])).assign(condition=condition)
        for condition, wrong in WRONG.items()
        for name, count in wrong.items()
    ]
    return factory.run(pd.concat(parts, ignore_index=True), table)


@pytest.fixture(scope="module")
def made() -> dict[str, pd.DataFrame]:
    return condition_tables(known(), known().task)


def test_a_run_of_clean_clips_has_no_section_and_says_so_when_asked() -> None:
    run = noisy(noises=(), others=())
    assert condition_tables(run, run.task) == {}
    assert "## Robustness" not in build(run).markdown
    with pytest.raises(BenchError, match="give the run --conditions"):
        robustness_markdown(run)


def test_every_condition_and_backend_has_its_share_and_the_floor_none() -> None:
    run = noisy()
    rows = marks_under_conditions(run)
    assert set(rows["backend"]) == {*NAMES} - {"chance"}
    assert rows["condition"].nunique() == 1 + len(NOISES) * len(LEVELS) + len(OTHERS)
    for _, share in shares(rows).iterrows():
        own = rows[(rows["backend"] == share["backend"]) & (rows["condition"] == share["condition"])]
        assert share["accuracy"] == pytest.approx((own["predicted"] == own["reference"]).mean())
        assert share["clips"] == len(own)


def test_intervals_on_known_speakers_are_those_of_wilson() -> None:
    table = factory.clips()
    heard = [factory.heard(table, "z", wrong=list(table["clip"][:n])).assign(condition=c) for c, n in
             (("clean", 3), ("telephone", 41))]  # fmt: skip
    for _, share in shares(
        marks_under_conditions(factory.run(pd.concat(heard), table, ran=["official", "mixed"]))
    ).iterrows():
        right = round(share["accuracy"] * share["clips"])
        low, high = proportion_confint(right, share["clips"], method="wilson")
        assert (share["accuracy_low"], share["accuracy_high"]) == pytest.approx((low, high))


def test_pairs_are_mcnemar_with_holm_over_all(made: dict[str, pd.DataFrame]) -> None:
    pairs = made["condition_pairs"]
    assert len(pairs) == len(WRONG) * 3
    for _, pair in pairs.iterrows():
        a, b = (WRONG[pair["condition"]][pair[side]] for side in ("a", "b"))
        assert (pair["a_only"], pair["b_only"]) == (max(b - a, 0), max(a - b, 0))  # errors are nested
        assert pair["difference"] == pytest.approx((b - a) / 90)
        assert pair["low"] <= pair["difference"] <= pair["high"]
        both = [[90 - max(a, b), max(b - a, 0)], [max(a - b, 0), min(a, b)]]
        assert pair["p"] == pytest.approx(mcnemar(both, exact=True).pvalue)
    assert pairs["holm_p"].to_numpy() == pytest.approx(multipletests(pairs["p"], method="holm")[1])


def test_losses_are_against_the_clean_clips_of_the_same_backend(made: dict[str, pd.DataFrame]) -> None:
    losses = made["condition_losses"]
    assert len(losses) == (len(WRONG) - 1) * 3
    for _, loss in losses.iterrows():
        clean, treated = WRONG["clean"][loss["backend"]], WRONG[loss["condition"]][loss["backend"]]
        assert loss["lost"] == pytest.approx((treated - clean) / 90)
        assert loss["clean_only"] - loss["treated_only"] == treated - clean
    assert losses["holm_p"].to_numpy() == pytest.approx(multipletests(losses["p"], method="holm")[1])


def test_words_tell_both_directions_with_figures(made: dict[str, pd.DataFrame]) -> None:
    text = "\n".join(claims(known().task, made))
    assert "Each against `weak`" in text
    assert (
        "**strong** against weak, 3 conditions: better under 2, most at `noise:pink@10dB` (97.8 against 44.4 %" in text
    )
    assert "worse under 1, most at `noise:pink@0dB` (33.3 against 66.7 %; -33.3 points" in text
    assert "**strong+noise** against strong, 3 conditions: better under 1, most at `noise:pink@0dB`" in text
    assert "no difference shown under 2" in text


def test_where_noise_begins_to_cost_is_the_mildest_level_shown(made: dict[str, pd.DataFrame]) -> None:
    lines = "\n".join(claims(known().task, made)).splitlines()
    rows = {line.split("|")[1].strip(): line for line in lines if line.startswith("|")}
    assert "0 dB; 66.7" in rows["strong"] and "10 dB;" not in rows["strong"]
    assert "not shown; 5.6" in rows["strong+noise"]
    assert "10 dB; 22.2" in rows["weak"]  # the loss is told at the harshest level, the level is the mildest


def test_identical_backends_are_not_told_apart() -> None:
    table = factory.clips()
    parts = [
        factory.heard(table, name, wrong=list(table["clip"][:20])).assign(condition=condition)
        for condition in ("clean", "telephone")
        for name in ("a", "b")
    ]
    run = factory.run(pd.concat(parts, ignore_index=True), table)
    text = "\n".join(claims(run.task, condition_tables(run, run.task)))
    assert "2 conditions: no difference shown under 2." in text
    assert "better" not in text.replace("no better", "") and "worse" not in text


@pytest.mark.parametrize(
    ("names", "conditions", "headings"),
    [
        (["a"], ["clean", "noise:pink@0dB"], ["### Where noise begins to cost"]),
        (["a"], ["telephone", "noise:pink@0dB"], []),
        (["a+noise", "b"], ["clean", "telephone"], ["### Who holds up"]),
        (["a+noise", "a"], ["telephone", "opus@8k"], ["### Copies in training"]),
    ],
    ids=["one backend", "one backend, never clean", "noise without its base", "noise with its base alone"],
)
def test_there_are_headings_for_what_can_be_said(names: list[str], conditions: list[str], headings: list[str]) -> None:
    table = factory.clips()
    parts = [
        factory.heard(table, name, wrong=list(table["clip"][:9])).assign(condition=condition)
        for condition in conditions
        for name in names
    ]
    markdown = build(factory.run(pd.concat(parts, ignore_index=True), table)).markdown
    section = markdown.partition("## Robustness")[2].partition("\n## ")[0]
    assert section and [line for line in section.splitlines() if line.startswith("### ")] == headings


def test_a_backend_that_missed_a_condition_has_a_dash_there() -> None:
    run = known()
    heard = run.predictions
    gone = (heard["backend"] == "strong") & (heard["condition"] == "noise:pink@0dB")
    some = factory.run(heard[~gone], factory.clips())
    rows = [line for line in build(some).markdown.splitlines() if line.startswith("| noise:pink@0dB")]
    assert rows and ABSENT in rows[0]


def test_the_report_shows_the_plots_there_are_and_no_others() -> None:
    markdown = build(noisy(), {"accuracy_snr", "latency"}).markdown
    assert "](plots/accuracy_snr.svg)" in markdown and "](plots/latency.svg)" in markdown
    assert "accuracy_conditions.svg" not in markdown


def test_a_run_about_accuracy_alone_says_nothing_of_cost() -> None:
    run = noisy()
    alone = factory.run(run.predictions, run.clips)
    alone.info["config"]["latency_clips"] = 0
    text = build(alone).markdown
    assert "was measured" in text and "not measured" not in text.split("## Robustness")[0]
    assert "## Which one?" not in text and "ms per clip" not in text and "peak RSS" not in text
    assert set(tables(alone)) == set(tables(run))


@given(st.text(max_size=20), st.floats(-40, 40).map(lambda x: round(x, 2)))
def test_noise_and_level_come_back_from_any_name(name: str, level: float) -> None:
    found = noise_of(f"noise:{name}@{level}dB")
    lines = name.splitlines()
    if name and lines == [name]:
        assert found is not None
        assert found[0] == name and found[1] == np.float64(level)

"""Plots are made of what a run has, say so in words, and are the same each time."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.records.schema import Run
from bench.report.build import tables
from bench.report.plots import Plot, draw, png, svg, write
from bench.report.plots.style import looks
from bench.report.plots.tradeoff import pareto
from bench.report.tables.conditions import noise_of
from tests.bench import factory
from tests.bench.report.made_up import NAMES, noisy

ALWAYS = ["accuracy_latency", "speakers", "confusion", "latency", "coldstart", "reliability"]


@pytest.fixture(scope="module")
def run() -> Run:
    return noisy()


@pytest.fixture(scope="module")
def plots(run: Run) -> list[Plot]:
    return draw(run, tables(run))


def test_a_run_with_conditions_has_every_plot(plots: list[Plot]) -> None:
    assert {plot.name for plot in plots} == {*ALWAYS, "accuracy_snr", "accuracy_conditions"}
    assert all(plot.caption and plot.alt and plot.title for plot in plots)


def test_a_clean_run_has_no_plot_of_conditions() -> None:
    made = noisy(noises=(), others=())
    assert [plot.name for plot in draw(made, tables(made))] == ALWAYS


def test_a_run_without_figures_has_no_plots() -> None:
    empty = factory.run(factory.heard(factory.clips().iloc[:1], "mfcc-svm"))
    assert draw(empty, tables(empty)) == []


def test_the_same_records_give_the_same_bytes(run: Run, plots: list[Plot]) -> None:
    again = draw(run, tables(run))
    assert [svg(plot) for plot in plots] == [svg(plot) for plot in again]
    assert png(plots[0]) == png(again[0])


def test_svg_is_well_formed_and_undated(plots: list[Plot]) -> None:
    for plot in plots:
        text = svg(plot)
        ET.fromstring(text)
        assert "dc:date" not in text


def test_drawing_leaves_matplotlib_as_it_was(run: Run) -> None:
    before = dict(matplotlib.rcParams)
    draw(run, tables(run))
    assert dict(matplotlib.rcParams) == before


def test_files_are_written_and_stale_ones_taken_away(plots: list[Plot], tmp_path: Path) -> None:
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots" / "old.svg").write_text("old")
    written = write(plots[:1], tmp_path)
    assert sorted(path.name for path in (tmp_path / "plots").iterdir()) == [f"{ALWAYS[0]}.png", f"{ALWAYS[0]}.svg"]
    assert {path.name for path in written} == {f"{ALWAYS[0]}.png", f"{ALWAYS[0]}.svg"}


def test_axes_name_units_clips_and_interval(plots: list[Plot]) -> None:
    first = next(plot for plot in plots if plot.name == "accuracy_latency").figure.axes[0]
    assert "ms" in first.get_xlabel() and "200 calls" in first.get_xlabel()
    assert "%" in first.get_ylabel() and "95 % interval" in first.get_ylabel() and "n = 90 clips" in first.get_ylabel()


def test_every_backend_looks_its_own_without_colour(run: Run) -> None:
    look = looks(run)
    assert set(look) == {*NAMES} - {"chance"}
    assert len({own.marker for own in look.values()}) == len(look)


@pytest.mark.parametrize(
    ("condition", "noise"),
    [
        ("noise:dishes@10dB", ("dishes", 10.0)),
        ("noise:white@-2.5dB", ("white", -2.5)),
        ("clean", None),
        ("telephone", None),
        ("noise:x@dB", None),
    ],
)
def test_noise_and_level_are_read_from_the_condition(condition: str, noise: tuple[str, float] | None) -> None:
    assert noise_of(condition) == noise


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12))
def test_whoever_is_off_the_front_is_beaten_and_nobody_on_it_is(points: list[tuple[int, int]]) -> None:
    costs, gains = zip(*points, strict=True)
    front = pareto(costs, gains)
    for (cost, gain), on in zip(points, front, strict=True):
        beaten = any(c <= cost and g >= gain and (c, g) != (cost, gain) for c, g in points)
        assert on != beaten

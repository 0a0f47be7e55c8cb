import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.report.text.markdown import Column, code, escape, megabytes, milliseconds, number, p_value, table
from bench.tasks.base import HIGH, LOW


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.012345, "0.0123"), (1.2, "1.20"), (1234.5, "1,234"), (0.0009999, "0.00100"), (0, "0"), (9.999, "10.0")],
)
def test_three_digits_and_no_exponent(value: float, text: str) -> None:
    assert number(value) == text


def test_units() -> None:
    assert (milliseconds(0.0123), megabytes(1_500_000)) == ("12.3", "1.50")


@pytest.mark.parametrize(("p", "text"), [(0.0384, "0.038"), (0.00001, "< 0.0001"), (1.0, "1")])
def test_p_values(p: float, text: str) -> None:
    assert p_value(p) == text


@given(st.floats(1e-7, 1e7))
def test_a_number_reads_back_within_half_of_its_third_digit(value: float) -> None:
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=5.1e-3)


@given(st.text())
def test_no_text_breaks_a_row(text: str) -> None:
    frame = pd.DataFrame({"a": [text], "b": [1]})
    for safe in (escape, code):
        lines = table(frame, [Column("a", "a", safe), Column("b", "b")]).splitlines()
        assert len(lines) == 3
        assert lines[2].replace("\\\\", "").replace("\\|", "").count("|") == 3


FRAME = pd.DataFrame({"name": ["x", "y", "floor", "none"], "v": [2.001, 2.002, 0.5, float("nan")]})


def cells(column: Column) -> list[str]:
    made = table(FRAME, [column], lambda row, key: f"no {key}", lambda row: row["name"] != "floor")
    return [line.strip("| ") for line in made.splitlines()[2:]]


def test_best_is_bold_ties_too_the_floor_never() -> None:
    assert cells(Column("v", "v", number, LOW)) == ["**2.00**", "**2.00**", "0.500", "no v"]
    assert cells(Column("v", "v", lambda v: f"{v:.3f}", HIGH)) == ["2.001", "**2.002**", "0.500", "no v"]
    assert cells(Column("v", "v", number)) == ["2.00", "2.00", "0.500", "no v"]


def test_intervals_stand_beside_the_value() -> None:
    frame = pd.DataFrame({"v": [1.0], "low": [0.5], "high": [2.0]})
    assert "**1.00** (0.500-2.00)" in table(frame, [Column("v", "v", number, HIGH, ("low", "high"))])


def test_an_interval_below_nothing_reads_clearly() -> None:
    frame = pd.DataFrame({"v": [1.0], "low": [-0.5], "high": [2.0]})
    assert "1.00 (-0.500 to 2.00)" in table(frame, [Column("v", "v", number, interval=("low", "high"))])


def test_headers_carry_direction() -> None:
    assert table(FRAME, [Column("time, ms", "v", number, LOW)]).splitlines()[0].strip("| ") == "time, ms ↓"


def test_a_table_without_rows_is_its_header() -> None:
    assert len(table(FRAME.iloc[:0], [Column("v", "v")]).splitlines()) == 2

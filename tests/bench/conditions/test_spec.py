from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.conditions import CLEAN, DEFAULT_SWEEP, FORMS, Condition, parse
from bench.conditions.spec import Form
from bench.errors import BenchError

NAMES = st.text("abcdefghijklmnopqrstuvwxyz_-./0123456789", min_size=1, max_size=20)


@st.composite
def specs(draw: st.DrawFn) -> tuple[Form, str]:
    form = draw(st.sampled_from(FORMS))
    values = [
        draw(st.integers(int(limit.low / (limit.step or 0.01)), int(limit.high / (limit.step or 0.01))))
        * (limit.step or 0.01)
        for limit in form.limits
    ]
    return form, form.template.format(*values, name=draw(NAMES))


@given(specs())
def test_what_is_written_is_read_back(case: tuple[Form, str]) -> None:
    form, spec = case
    condition = parse(spec)
    assert condition.kind == form.kind
    assert len(condition.values) == len(form.limits)
    assert parse(str(condition)) == condition
    assert str(condition) == spec


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_examples_are_their_own_spec(form: Form) -> None:
    assert (parse(form.example).kind, str(parse(form.example))) == (form.kind, form.example)


@pytest.mark.parametrize(
    ("spec", "condition"),
    [
        (" clean ", CLEAN),
        ("noise:white@-5dB", Condition("noise", "white", (-5.0,))),
        ("NOISE:Dishes@+10db", Condition("noise", "Dishes", (10.0,))),
        ("reverb:room@0.6s", Condition("room", "", (0.6,))),
        ("reverb:a/room.wav", Condition("reverb", "a/room.wav")),
        ("gain:20dB", Condition("gain", "", (20.0,))),
        ("pitch:-0", Condition("pitch", "", (0.0,))),
        ("silence:.5s+1s", Condition("silence", "", (0.5, 1.0))),
    ],
)
def test_other_ways_of_writing(spec: str, condition: Condition) -> None:
    assert parse(spec) == condition


@pytest.mark.parametrize(
    ("spec", "hint"),
    [
        ("", "known: clean"),
        ("noize:white@10dB", "did you mean noise"),
        ("telefone", "did you mean telephone"),
        ("noise:white", "written like noise:white@10dB"),
        ("noise:@10dB", "written like noise:white@10dB"),
        ("noise:white@loud", "written like"),
        ("noise:white@infdB", "written like"),
        ("reverb", "written like reverb:room@0.6s or reverb:rir_clap"),
        ("mp3", "written like mp3@16k"),
        ("mp3@17k", "17 is outside 8 to 64 in steps of 8"),
        ("speed:0", "0 is outside 0.5 to 2"),
        ("drop:101%", "101 is outside 0 to 100"),
        ("reverb:room@9s", "9 is outside 0.3 to 1.2"),
        ("rate:8000.5", "outside 4000 to 192000"),
        ("noise:white@999dB", "999 is outside"),
    ],
)
def test_a_wrong_spec_is_an_error_that_helps(spec: str, hint: str) -> None:
    with pytest.raises(BenchError, match=hint):
        parse(spec)


@given(st.text(max_size=30))
def test_any_text_is_a_condition_or_an_error(text: str) -> None:
    try:
        condition = parse(text)
    except BenchError:
        return
    assert parse(str(condition)) == condition


def test_the_sweep_is_distinct_and_begins_clean() -> None:
    assert [str(parse(spec)) for spec in DEFAULT_SWEEP] == list(dict.fromkeys(DEFAULT_SWEEP))
    assert DEFAULT_SWEEP[0] == "clean"

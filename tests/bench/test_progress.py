from __future__ import annotations

import io
import re
import time

import pytest
from rich.console import Console

from bench.progress import Bars, Plain, reporter


def test_plain_lines_say_begin_to_end() -> None:
    out = io.StringIO()
    plain = Plain(Console(file=out, width=40), every_s=0)
    with plain.task("a task with quite a long name [b]", 3) as advance:
        for _ in range(3):
            advance(1)
    lines = out.getvalue().splitlines()
    assert lines[0].startswith("a task with quite a long name [b]: 1/3, about ")
    assert lines[-1].startswith("a task with quite a long name [b]: 3/3 in ")
    assert len(lines) == 3


def test_a_terminal_gets_bars_that_leave_nothing_behind() -> None:
    out = io.StringIO()
    bars = reporter(Console(file=out, force_terminal=True, width=100))
    assert isinstance(bars, Bars)
    with bars.task("one", 2) as one, bars.task("two", 2) as two:
        one(1)
        two(2)
        bars.say("a line [b]")
    with bars.task("three", 1) as three:
        three(1)
    assert "one" in out.getvalue()
    assert "a line [b]" in out.getvalue()
    assert out.getvalue().endswith("\x1b[?25h") or "\x1b[2K" in out.getvalue()


def test_a_wait_that_lasts_is_told_and_a_short_one_is_not() -> None:
    out = io.StringIO()
    plain = Plain(Console(file=out, width=200), every_s=0.2, patience_s=0.1)
    with plain.wait("fitting a"):
        pass
    with plain.wait("fitting b"):
        time.sleep(0.5)
    lines = out.getvalue().splitlines()
    assert [line.partition(":")[0] for line in lines] == ["fitting b"] * len(lines)
    assert len(lines) >= 3
    assert lines[0].endswith(" s so far")
    assert re.fullmatch(r"fitting b: 0\.\d s", lines[-1])


def test_a_wait_is_seen_on_a_terminal_and_leaves_nothing_behind() -> None:
    out = io.StringIO()
    bars = Bars(Console(file=out, force_terminal=True, width=100))
    with bars.wait("fitting a"):
        time.sleep(0.3)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())
    assert re.search(r"fitting a .*0:00:00 so far", text)
    with bars.task("one", 2) as one:
        one(1)
    assert "0/2 left" in re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())


@pytest.mark.parametrize("terminal", [False, True])
def test_no_name_moves_the_terminal(terminal: bool) -> None:
    out = io.StringIO()
    told = reporter(Console(file=out, force_terminal=terminal, width=200))
    hostile = "\x1b]0;title\x07\x9b31m\u202e[/b][red]:smile:\udcff" + "x" * 300
    with told.task(hostile, 1) as advance:
        told.say(f"rejected: {hostile}\nerror: forged")
        advance(1)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", out.getvalue())  # what the bars themselves write
    assert not set(text) & set("\x1b\x07\x9b\u202e\udcff")
    assert r"\x1b]0;title\x07\x9b31m\u202e[/b][red]:smile:\udcff" in text
    assert "\n  error: forged" in text

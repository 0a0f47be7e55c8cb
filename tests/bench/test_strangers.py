"""Names that nobody here chose - of folders, speakers, files - through every command: shown, never obeyed."""

from __future__ import annotations

import pytest

from tests.bench.test_cli import digitbench

ORDERS = "\x1b]0;title\x07\u202e\u200b"


@pytest.mark.parametrize(
    "arguments",
    [
        (f"no-{ORDERS}",),
        ("predict", f"--{ORDERS}"),
        ("predict", "a.wav", "--model", ORDERS),
        ("predict", "a.wav", "--backend", ORDERS),
        ("train", ORDERS, "--out", "x.model"),
        ("run", "--corpus", f"folder:{ORDERS}\nrejected: forged"),
        ("run", "--backends", ORDERS),
        ("run", "--conditions", ORDERS),
        ("run", "--set", ORDERS),
        ("run", "--config", ORDERS),
        ("report", ORDERS),
        ("compare", ORDERS, ORDERS),
        ("recommend", ORDERS),
        ("verify", ORDERS),
        ("export", ORDERS, "--out", "x.onnx"),
        ("data", "--data", ORDERS),
    ],
)
def test_no_argument_is_obeyed_by_the_terminal(arguments: tuple[str, ...]) -> None:
    done = digitbench(*arguments)
    told = done.stdout + done.stderr
    assert r"\x1b" in told or r"\u202e" in told
    assert not set(told) & set("\x1b\x07\u202e\u200b") and "\nrejected: forged" not in told

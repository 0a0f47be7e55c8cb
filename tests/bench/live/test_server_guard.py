"""The gate: exact hosts and origins, one token, strict headers, buckets that refill."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.live import server_guard
from bench.live.server_guard import Bucket, Buckets, Gate, is_loopback, origin

TOKEN = "abcdefghijklmnop"
GATE = Gate.of("127.0.0.1", 8765, (), TOKEN)
HOST, ORIGIN = "127.0.0.1:8765", "http://127.0.0.1:8765"


def scope(
    path: str = "/predict", method: str = "POST", kind: str = "http", query: str = f"token={TOKEN}", **headers: str
) -> Any:
    named = {"host": HOST, **headers}
    pairs = [(name.replace("_", "-").encode(), text.encode("latin-1")) for name, text in named.items() if text]
    return {"type": kind, "path": path, "method": method, "query_string": query.encode(), "headers": pairs}


@pytest.mark.parametrize(
    "asked",
    [
        scope(),
        scope(origin=ORIGIN),
        scope(host="localhost:8765", origin="http://localhost:8765"),
        scope(host="[::1]:8765"),
        scope(host="LOCALHOST:8765"),
        scope(query="", authorization=f"Bearer {TOKEN}"),
        scope(path="/", method="GET"),
        scope(path="/page.js", method="GET", query=""),
        scope(path="/live", kind="websocket", origin=ORIGIN),
    ],
)
def test_who_is_let_in(asked: Any) -> None:
    assert GATE.refusal(asked) is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (scope(host="evil.example:8765"), "address"),
        (scope(host="127.0.0.1"), "address"),
        (scope(host="127.0.0.1:8766"), "address"),
        (scope(host="127.0.0.1:8765.evil.example"), "address"),
        (scope(host=""), "address"),
        (scope(path="/page.js", method="GET", host="evil.example"), "address"),
        (scope(origin="http://evil.example"), "origin"),
        (scope(origin="null"), "origin"),
        (scope(origin="https://127.0.0.1:8765"), "origin"),
        (scope(origin="http://127.0.0.1:8765.evil.example"), "origin"),
        (scope(origin="http://127.0.0.1:9999"), "origin"),
        (scope(path="/live", kind="websocket"), "origin"),
        (scope(path="/live", kind="websocket", origin="http://evil.example"), "origin"),
        (scope(path="/live", kind="websocket", origin=ORIGIN, query=""), "token"),
        (scope(query=""), "token"),
        (scope(query="token="), "token"),
        (scope(query=f"token={TOKEN[:-1]}"), "token"),
        (scope(query=f"token={TOKEN}x"), "token"),
        (scope(query=f"token={TOKEN}&token=x"), "token"),
        (scope(query="token=%ff%fe"), "token"),
        (scope(query="", authorization=f"Basic {TOKEN}"), "token"),
        (scope(path="/", method="GET", query=""), "token"),
        (scope(path="/page.js/../predict", method="GET", query=""), "token"),
    ],
)
def test_who_is_turned_away(asked: Any, why: str) -> None:
    refused = GATE.refusal(asked)
    assert refused is not None and refused[0] == 403 and why in refused[1]


def test_two_hosts_or_two_origins_are_none() -> None:
    twice = scope(origin=ORIGIN)
    for name in (b"host", b"origin"):
        doubled = {**twice, "headers": [*twice["headers"], *[pair for pair in twice["headers"] if pair[0] == name]]}
        assert GATE.refusal(doubled) is not None


@given(st.text(max_size=40))
def test_no_other_origin_is_let_in(text: str) -> None:
    asked = scope(origin="x")
    asked["headers"] = [(b"host", HOST.encode()), (b"origin", text.encode("latin-1", "replace"))]
    assert (GATE.refusal(asked) is None) == (text in GATE.origins)


def test_a_public_origin_is_let_in_beside_loopback() -> None:
    gate = Gate.of("127.0.0.1", 8765, ("https://Digits.Example/",), TOKEN)
    assert gate.refusal(scope(host="digits.example", origin="https://digits.example")) is None
    assert gate.refusal(scope()) is None
    assert gate.refusal(scope(host="digits.example", origin="http://digits.example")) is not None


def test_an_address_of_this_machine_stands_for_itself() -> None:
    gate = Gate.of("192.168.1.5", 80, (), TOKEN)
    assert gate.origins == {"http://192.168.1.5"}
    assert gate.refusal(scope(host="192.168.1.5", origin="http://192.168.1.5")) is None
    assert gate.refusal(scope()) is not None


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_every_address_needs_a_name(host: str) -> None:
    with pytest.raises(BenchError, match="--origin"):
        Gate.of(host, 8765, (), TOKEN)
    assert Gate.of(host, 8765, ("http://192.168.1.5:8765",), TOKEN).hosts == {"192.168.1.5:8765"}


@pytest.mark.parametrize("text", ["", "digits.example", "ftp://a", "http://", "http://a/b", "http://u@a", "http://a:x"])
def test_what_is_no_origin_is_named(text: str) -> None:
    with pytest.raises(BenchError, match="--origin"):
        origin(text)


def test_names_are_no_addresses() -> None:
    assert is_loopback("127.0.0.2") and is_loopback("::1") and not is_loopback("192.168.1.5")
    with pytest.raises(BenchError, match="--host localhost"):
        is_loopback("localhost")


def test_a_bucket_refills(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(server_guard, "monotonic", lambda: now[0])
    bucket = Bucket(2, 0.5)
    assert [bucket.take() for _ in range(3)] == [True, True, False]
    now[0] += 1
    assert not bucket.take()
    now[0] += 1
    assert bucket.take() and not bucket.take()


def test_addresses_have_buckets_of_their_own_and_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_guard, "MOST_ADDRESSES", 2)
    buckets = Buckets(1, 0)
    assert buckets.take("a") and not buckets.take("a")
    assert buckets.take("b") and buckets.take("c")
    assert buckets.take("a"), "forgotten"

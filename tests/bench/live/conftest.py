"""A server for the tests of its routes and its socket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.bench.live.serving import Served


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    """Two backends behind a port of this machine."""
    from tests.bench.live.running import candidate
    from tests.bench.live.serving import LABELS, served

    with served([candidate("Quick"), candidate("Picky")], LABELS) as running:
        yield running


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests ask faster than people."""
    from bench.live.server_guard import Buckets

    monkeypatch.setattr(Buckets, "take", lambda self, address: True)

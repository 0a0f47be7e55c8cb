from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench.running import carry_out, planted, quick


@pytest.mark.parametrize(
    ("name", "caught"),
    [("Nearest", set()), ("Adapts", {"order"}), ("Remembers", {"second fit"}), ("Hoarder", {"permuted labels"})],
)
def test_planted_leaks(tiny_corpus: Path, tmp_path: Path, name: str, caught: set[str]) -> None:
    hoard = tmp_path / "hoard"
    hoard.mkdir()
    options = {"backend": {f"planted:{name}": {"hoard": str(hoard)}}} if name == "Hoarder" else {}
    done = carry_out(quick(tiny_corpus, planted(name), splits=("loso",), checks=True, **options), tmp_path / "r")
    assert caught <= {check.check for check in done.checks if not check.passed}
    assert bool(caught) == bool(done.failures)

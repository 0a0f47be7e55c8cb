"""The one error whose message is meant for the user, and the hint that ends many of them."""

from __future__ import annotations

import difflib
from collections.abc import Collection


class BenchError(Exception):
    """Bad input or a bad environment: the message names the file or argument and says what to do."""


def near(name: str, known: Collection[str]) -> str:
    """The hint that ends a message about an unknown name."""
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(close)}?" if close else f"; known: {', '.join(sorted(known))}"

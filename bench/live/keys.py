"""Single keys from a terminal, while something else goes on."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO


class Keys:
    """Keys pressed; none where there is no terminal."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def pressed(self) -> Iterator[str]:
        """Those that wait, one character each; Enter is a line's end."""
        while self._descriptor is not None and select.select([self._descriptor], [], [], 0)[0]:
            data = os.read(self._descriptor, 64)
            if not data:
                self._descriptor = None
                return
            yield from data.decode(errors="ignore").replace("\r", "\n")


@contextmanager
def keys(stream: IO[str] | None = None) -> Iterator[Keys]:
    """Keys of standard input, unless it is no terminal; how that was set is restored."""
    stream = sys.stdin if stream is None else stream
    try:
        import termios
        import tty

        descriptor = stream.fileno()
        before = termios.tcgetattr(descriptor)
    except (ImportError, OSError, ValueError, AttributeError):  # no terminal, or not a Unix
        yield Keys(None)
        return
    except Exception as error:
        if type(error).__name__ != "error":  # termios.error is no OSError
            raise
        yield Keys(None)
        return
    try:
        tty.setcbreak(descriptor)
        yield Keys(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)

"""The command ``digitbench``, also ``python -m bench``: arguments in, exit code out."""

from __future__ import annotations

import io
import os
import sys

from backends.base import BackendError
from bench.cli import running  # noqa: F401 - commands join the application in this order

# isort: split
from bench.cli import models  # noqa: F401

# isort: split
from bench.cli import reading  # noqa: F401

# isort: split
from bench.cli import sounds  # noqa: F401

# isort: split
from bench.cli import listening  # noqa: F401

# isort: split
from bench.cli import serving  # noqa: F401

# isort: split
from bench.cli import loading  # noqa: F401
from bench.cli.base import UNUSABLE, app
from bench.errors import BenchError
from bench.printable import printable
from bench.signals import stoppable
from bench.terminal import write
from bench.workers.caches import caches

__all__ = ["app", "main"]


def main() -> None:
    """Run the command line; errors meant for the user become one line and an exit code."""
    _open_closed()
    if sys.stdout is None:
        sys.exit(_complain("standard output is closed; > /dev/null throws it away"))
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # gives freed memory back; set before Arrow loads
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may lack letters that names have
    try:
        os.environ.update(caches(os.environ))
        with stoppable():
            app()
    except (BenchError, BackendError) as error:
        sys.exit(_complain(str(error)))
    except OSError as error:
        sys.exit(_complain(f"{error.filename or 'the system'}: {error.strerror or error}"))


def _open_closed() -> None:
    """Standard streams that were closed lead to nowhere: the next file that is opened would take their place."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _complain(message: str) -> int:
    write(printable(f"error: {message}", lines=True), err=True)
    return UNUSABLE

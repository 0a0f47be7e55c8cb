"""``python -m bench`` is ``digitbench``."""

from bench.cli import main

main()

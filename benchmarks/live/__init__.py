"""Hearing it live, measured: ``python -m benchmarks.live``."""

"""What compression costs in words and saves in work: ``python -m benchmarks.compression``."""

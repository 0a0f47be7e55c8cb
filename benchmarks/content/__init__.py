"""Does content analysis tell what it says it tells? ``python -m benchmarks.content`` measures it."""

"""Loaders of sound files against each other: what they cost, whether they agree, what they do with bad files."""
